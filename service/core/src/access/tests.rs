use super::*;
use crate::ids::RepoName;
use crate::stored;
use std::collections::BTreeSet;

#[test]
fn a_role_includes_those_before_it_and_has_a_word() {
    assert!(Role::ALL.is_sorted());
    for role in Role::ALL {
        assert_eq!(Role::parse(role.as_str()), Some(role));
        assert_eq!(Role::of_github(role.at_github(), None), Some(role));
    }
    assert_eq!(Role::parse("root"), None);
}

#[test]
fn githubs_permissions_are_roles() {
    let table = [
        ("admin", None, Some(Role::Admin)),
        ("write", Some("maintain"), Some(Role::Approver)),
        ("write", Some("write"), Some(Role::Operator)),
        // A role of the organisation counts by what it is built on.
        ("write", Some("ml-lead"), Some(Role::Operator)),
        ("read", Some("triage"), Some(Role::Viewer)),
        ("read", None, Some(Role::Viewer)),
        ("none", None, None),
        ("owner", None, None),
        ("", Some("admin"), None),
    ];
    for (permission, name, role) in table {
        assert_eq!(Role::of_github(permission, name), role, "{permission} {name:?}");
    }
}

#[test]
fn every_deed_has_a_word_of_its_own() {
    let words: BTreeSet<&str> = Deed::ALL.iter().map(|deed| deed.as_str()).collect();
    assert_eq!(words.len(), Deed::ALL.len());
    for deed in Deed::ALL {
        assert_eq!(Deed::parse(deed.as_str()), Some(*deed));
    }
}

#[test]
fn a_scope_reaches_its_pipelines_and_nothing_else() {
    let all = Scope {
        role: Role::Operator,
        pipelines: None,
    };
    let some = Scope {
        pipelines: Some(["flights", "taxi", "acme/rides:fares"].map(str::to_owned).into()),
        ..all.clone()
    };
    let table: [(&[&str], bool); 6] = [
        (&["flights"], true),
        (&["taxi", "flights"], true),
        // A target that another pipeline pushes to as well.
        (&["flights", "churn"], false),
        (&["churn"], false),
        // One repository's only.
        (&["fares"], true),
        // The service itself.
        (&[], false),
    ];
    let (acme, other) = (
        RepoName::parse("acme/rides").unwrap(),
        RepoName::parse("other/rides").unwrap(),
    );
    for (pipelines, reaches) in table {
        let of_acme = || pipelines.iter().map(|name| (Some(&acme), *name));
        assert_eq!(some.role_on(of_acme()).is_some(), reaches, "{pipelines:?}");
        assert_eq!(all.role_on(of_acme()), Some(Role::Operator));
    }
    assert!(!some.has(Some(&other), "fares") && !some.has(None, "fares"));
}

#[test]
fn who_may_not_learns_what_it_takes() {
    let refused = Refused {
        who: "ada".to_owned(),
        deed: Some(Deed::RollBack),
        has: Some(Role::Viewer),
        needs: Role::Approver,
        place: "target flights".to_owned(),
        at_github: true,
    };
    let stranger = Refused {
        deed: None,
        has: None,
        needs: Role::Viewer,
        at_github: false,
        ..refused.clone()
    };
    insta::assert_snapshot!([refused.sentence(), stranger.sentence()].join("\n"), @r"
    to roll back takes an approver for target flights, and ada is a viewer there: whoever administrates the repository can give the GitHub permission 'maintain'
    to see this takes a viewer for target flights, and ada has no role there: an admin can give a token or a group with that role
    ");
}

#[test]
fn what_a_session_keeps_is_read_again() {
    let all = [
        Identity::Service,
        Identity::Account {
            id: 7,
            login: "ada".to_owned(),
        },
        Identity::Claimed {
            issuer: "https://id.example.org".to_owned(),
            subject: "00u1".to_owned(),
            name: "Ada".to_owned(),
            role: Role::Approver,
        },
    ];
    for identity in all {
        assert_eq!(stored::read::<Identity>(&stored::write(&identity)), Ok(identity));
    }
}
