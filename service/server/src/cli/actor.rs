//! Who is recorded as the one who asked.

use std::fs;

/// The account behind `sudo` where there is one, the user of this machine otherwise; a user whom nobody names is told
/// by number.
pub(super) fn actor() -> String {
    let uid = rustix::process::getuid().as_raw();
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    actor_of(uid, |name| std::env::var(name).ok(), &accounts)
}

fn actor_of(uid: u32, variable: impl Fn(&str) -> Option<String>, accounts: &str) -> String {
    let said = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let sudo = said("SUDO_USER").filter(|_| uid == 0);
    let user = || said("USER").or_else(|| said("LOGNAME"));
    sudo.or_else(user)
        .or_else(|| account(uid, accounts))
        .unwrap_or_else(|| format!("uid {uid}"))
}

/// The name of an account in the form of `/etc/passwd`.
fn account(uid: u32, accounts: &str) -> Option<String> {
    let mut named = accounts.lines().map(|line| line.split(':'));
    named.find_map(|mut fields| {
        let name = fields.next()?;
        let number = fields.nth(1)?;
        (number.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_behind_the_command() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n";
        type Case<'a> = (u32, &'a [(&'a str, &'a str)], &'a str);
        let table: [Case; 7] = [
            (1000, &[("USER", "bob")], "bob"),
            (1000, &[("LOGNAME", "bob")], "bob"),
            (1000, &[("USER", "")], "ada"),
            (0, &[("USER", "root"), ("SUDO_USER", "ada")], "ada"),
            (1000, &[("USER", "bob"), ("SUDO_USER", "root")], "bob"),
            (0, &[], "root"),
            (7, &[], "uid 7"),
        ];
        for (uid, set, expected) in table {
            let variable = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(actor_of(uid, variable, accounts), expected, "{uid} {set:?}");
        }
    }
}
