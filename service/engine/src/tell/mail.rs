//! Mail by SMTP.

use super::channel_error::{ChannelError, innermost};
use crate::house::config::{MailSettings, MailTls};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use std::time::Duration;
use trainyard_core::notify::{Mail, Notice, mail};

/// A server that has not answered by then has not heard.
const PATIENCE: Duration = Duration::from_secs(30);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends the mail of a notice, by a connection of its own: they are few.
pub(super) async fn send(settings: &MailSettings, notice: &Notice, base: Option<&str>) -> Result<(), ChannelError> {
    let refused = |reason: String| ChannelError::Refused {
        channel: notice.channel.clone(),
        reason,
    };
    let unreachable = |reason: String| ChannelError::Unreachable {
        channel: notice.channel.clone(),
        reason,
    };
    let message = message(settings, notice, base).map_err(|error| refused(innermost(&error)))?;
    let transport = transport(settings).map_err(|error| refused(innermost(&error)))?;
    match tokio::time::timeout(PATIENCE, transport.send(message)).await {
        Err(_) => Err(unreachable(format!("no answer within {} seconds", PATIENCE.as_secs()))),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.is_permanent() => Err(refused(innermost(&error))),
        Ok(Err(error)) => Err(unreachable(innermost(&error))),
    }
}

fn transport(settings: &MailSettings) -> Result<Transport, lettre::transport::smtp::Error> {
    let tls = || TlsParameters::new(settings.host.clone());
    let tls = match settings.tls {
        MailTls::None => Tls::None,
        MailTls::StartTls => Tls::Required(tls()?),
        MailTls::Tls => Tls::Wrapper(tls()?),
    };
    let mut transport = Transport::builder_dangerous(&settings.host)
        .port(settings.port)
        .tls(tls)
        .timeout(Some(PATIENCE))
        .hello_name(ClientId::Domain(domain(&settings.from)));
    if let Some((user, password)) = &settings.login {
        transport = transport.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
    }
    Ok(transport.build())
}

/// A mail with an id of its own, so that one that is sent twice is known as one.
fn message(settings: &MailSettings, notice: &Notice, base: Option<&str>) -> Result<Message, lettre::error::Error> {
    let Mail { subject, text } = mail(notice, base);
    let id: String = notice
        .id()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '.' })
        .collect();
    let builder: MessageBuilder = Message::builder()
        .from(settings.from.clone())
        .subject(subject)
        .message_id(Some(format!("<{id}.{}@{}>", notice.channel, domain(&settings.from))))
        .header(ContentType::TEXT_PLAIN);
    settings
        .to
        .iter()
        .fold(builder, |builder, to| builder.to(to.clone()))
        .body(text)
}

fn domain(from: &Mailbox) -> String {
    from.email.domain().to_owned()
}
