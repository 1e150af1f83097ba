//! Statuses as a real cluster wrote them, shortened.

use super::*;
use serde_json::{Value, json};

fn pod(created: u32, status: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"uid": format!("pod-{created}"), "creationTimestamp": format!("2026-11-28T08:00:{created:02}Z")},
        "spec": {"nodeName": "node1", "containers": [{"name": STEP, "command": ["/.trainyard/stage"]}]},
        "status": status,
    }))
    .unwrap()
}

fn container(name: &str, state: Value) -> Value {
    json!({"name": name, "image": "registry/trainyard@sha256:00", "imageID": "", "ready": false, "restartCount": 0, "state": state})
}

fn ended(name: &str, code: i32, reason: &str, message: &str) -> Value {
    container(
        name,
        json!({"terminated": {"exitCode": code, "reason": reason, "message": message}}),
    )
}

fn running(name: &str) -> Value {
    container(name, json!({"running": {"startedAt": "2026-11-28T08:00:01Z"}}))
}

fn waiting(name: &str, reason: &str, message: &str) -> Value {
    container(name, json!({"waiting": {"reason": reason, "message": message}}))
}

fn status(phase: &str, containers: Vec<Value>) -> Value {
    let (init, main): (Vec<_>, Vec<_>) = containers.into_iter().partition(|found| found["name"] == BRING);
    json!({"phase": phase, "initContainerStatuses": init, "containerStatuses": main})
}

fn brought() -> Value {
    ended(BRING, 0, "Completed", "")
}

#[test]
fn what_pods_say() {
    let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "Usage of EmptyDir volume \"outputs\" exceeds the limit \"1Gi\". "});
    let unschedulable = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/2 nodes are available: 2 Insufficient cpu."}]});
    let cases = [
        ("made", json!({"phase": "Pending"})),
        ("unschedulable", unschedulable),
        (
            "bringing",
            status("Pending", vec![running(BRING), waiting(STEP, "PodInitializing", "")]),
        ),
        (
            "no inputs",
            status(
                "Failed",
                vec![ended(BRING, 1, "Error", "input-0 is not in the object store")],
            ),
        ),
        (
            "begun elsewhere",
            status("Failed", vec![ended(BRING, 75, "Error", "another pod")]),
        ),
        (
            "no image",
            status(
                "Pending",
                vec![
                    brought(),
                    waiting(STEP, "ImagePullBackOff", "Back-off pulling image \"x\""),
                    running(TAKE),
                ],
            ),
        ),
        (
            "bad name",
            status(
                "Pending",
                vec![brought(), waiting(STEP, "InvalidImageName", ""), running(TAKE)],
            ),
        ),
        (
            "no secret",
            status(
                "Pending",
                vec![
                    brought(),
                    waiting(STEP, "CreateContainerConfigError", "secret \"x\" not found"),
                    running(TAKE),
                ],
            ),
        ),
        ("runs", status("Running", vec![brought(), running(STEP), running(TAKE)])),
        (
            "taking",
            status("Running", vec![brought(), ended(STEP, 3, "Error", ""), running(TAKE)]),
        ),
        (
            "taken",
            status(
                "Failed",
                vec![brought(), ended(STEP, 3, "Error", ""), ended(TAKE, 0, "Completed", "")],
            ),
        ),
        (
            "no memory",
            status(
                "Failed",
                vec![
                    brought(),
                    ended(STEP, 137, "OOMKilled", ""),
                    ended(TAKE, 0, "Completed", ""),
                ],
            ),
        ),
        (
            "not taken",
            status(
                "Failed",
                vec![
                    brought(),
                    ended(STEP, 0, "Completed", ""),
                    ended(TAKE, 1, "Error", "the outputs could not be exchanged"),
                ],
            ),
        ),
        (
            "take was killed",
            status(
                "Failed",
                vec![
                    brought(),
                    ended(STEP, 0, "Completed", ""),
                    ended(TAKE, 137, "Error", ""),
                ],
            ),
        ),
        (
            "told in part",
            status(
                "Running",
                vec![brought(), running(STEP), ended(TAKE, 0, "Completed", "")],
            ),
        ),
        (
            "start error",
            status(
                "Failed",
                vec![
                    brought(),
                    ended(STEP, 128, "StartError", "no such file"),
                    ended(TAKE, 0, "Completed", ""),
                ],
            ),
        ),
        ("evicted", evicted),
        ("deadline", json!({"phase": "Failed", "reason": "DeadlineExceeded"})),
        ("lost", json!({"phase": "Failed"})),
    ];
    let told: String = cases
        .map(|(name, status)| format!("{name}: {:?}\n", seen(&[pod(1, status)])))
        .concat();
    insta::assert_snapshot!(told, @r#"
    made: Waits(Starting)
    unschedulable: Waits(Unschedulable { words: "0/2 nodes are available: 2 Insufficient cpu." })
    bringing: Runs
    no inputs: Over(NotBrought { why: "input-0 is not in the object store" })
    begun elsewhere: Over(BegunTwice)
    no image: Waits(Image { image: "registry/trainyard@sha256:00", why: "Back-off pulling image \"x\"" })
    bad name: Waits(BadImage { image: "registry/trainyard@sha256:00" })
    no secret: Waits(Container { why: "secret \"x\" not found" })
    runs: Runs
    taking: Runs
    taken: Reported { pod: "pod-1", out_of_memory: false }
    no memory: Reported { pod: "pod-1", out_of_memory: true }
    not taken: Over(NotTaken { why: "the outputs could not be exchanged" })
    take was killed: Over(NotTaken { why: "exit code 137, and it said nothing" })
    told in part: Runs
    start error: Over(NeverStarted { waited: Container { why: "no such file" }, seconds: 0 })
    evicted: Over(Evicted { why: "Usage of EmptyDir volume \"outputs\" exceeds the limit \"1Gi\"." })
    deadline: Over(Deadline)
    lost: Over(PodGone { node: Some("node1") })
    "#);
}

#[test]
fn of_two_pods_the_one_that_began_counts() {
    let refused = pod(2, status("Failed", vec![ended(BRING, 75, "Error", "")]));
    let first = |state: Value| pod(1, state);
    let done = first(status(
        "Succeeded",
        vec![
            brought(),
            ended(STEP, 0, "Completed", ""),
            ended(TAKE, 0, "Completed", ""),
        ],
    ));
    let lost = first(status("Running", vec![brought(), running(STEP), running(TAKE)]));
    let counted = seen(&[refused.clone(), done]);
    assert_eq!(
        counted,
        Seen::Reported {
            pod: "pod-1".into(),
            out_of_memory: false
        }
    );
    for pods in [vec![lost, refused.clone()], vec![refused]] {
        assert_eq!(seen(&pods), Seen::Over(Interruption::BegunTwice));
    }
    // One that went before it began leaves the attempt to the next.
    let fresh = pod(2, status("Running", vec![brought(), running(STEP), running(TAKE)]));
    assert_eq!(seen(&[first(json!({"phase": "Failed"})), fresh]), Seen::Runs);
    assert_eq!(seen(&[]), Seen::Waits(Waits::NoPod));
}

#[test]
fn a_program_without_anything_beside_it_is_read_from_its_container() {
    let of = |code, reason: &str| {
        let mut pod = pod(
            1,
            status("Running", vec![brought(), ended(STEP, code, reason, ""), running(TAKE)]),
        );
        pod.spec.as_mut().unwrap().containers[0].command = None;
        seen(&[pod])
    };
    assert_eq!(of(0, "Completed"), Seen::Ended(ProgramExit::Code(0)));
    assert_eq!(of(3, "Error"), Seen::Ended(ProgramExit::Code(3)));
    assert_eq!(of(137, "OOMKilled"), Seen::Ended(ProgramExit::OutOfMemory));
}

#[test]
fn reports_say_how_it_ended() {
    let report = |end| Report {
        format: 1,
        pod: "u".into(),
        end,
        log: None,
        outputs: Vec::new(),
    };
    let of = |end, out_of_memory| reported(&report(end), out_of_memory);
    assert_eq!(
        of(End::Code(0), true),
        Ok(ProgramExit::Code(0)),
        "a child that was killed is its own business"
    );
    assert_eq!(of(End::Code(137), true), Ok(ProgramExit::OutOfMemory));
    assert_eq!(of(End::Unseen, true), Ok(ProgramExit::OutOfMemory));
    assert_eq!(of(End::Unseen, false), Ok(ProgramExit::Signal(9)));
    assert_eq!(of(End::Code(139), false), Ok(ProgramExit::Code(139)));
    let refused = of(
        End::NotExecuted {
            program: "x".into(),
            why: "No such file".into(),
        },
        false,
    )
    .unwrap_err();
    assert_eq!(
        refused,
        "its image has no program 'x' that can be executed (No such file): correct the step's command"
    );
}

#[test]
fn every_interruption_is_a_sentence() {
    let waits = [
        Waits::NoPod,
        Waits::Unschedulable {
            words: "0/2 nodes are available: 2 Insufficient cpu.".into(),
        },
        Waits::Image {
            image: "r/x@sha256:00".into(),
            why: "Back-off pulling image".into(),
        },
        Waits::BadImage { image: "R//x".into() },
        Waits::Container {
            why: "secret \"x\" not found".into(),
        },
        Waits::Starting,
    ];
    let over = [
        Interruption::Evicted {
            why: "The node was low on resource: memory.".into(),
        },
        Interruption::PodGone {
            node: Some("node1".into()),
        },
        Interruption::PodGone { node: None },
        Interruption::BegunTwice,
        Interruption::NotBrought {
            why: "it is not there".into(),
        },
        Interruption::NotTaken {
            why: "the store is away".into(),
        },
        Interruption::Deadline,
    ];
    let never = waits.map(|waited| Interruption::NeverStarted { waited, seconds: 600 });
    let told: String = over.iter().chain(&never).map(|end| end.sentence() + "\n").collect();
    insta::assert_snapshot!(told, @r#"
    its node threw it out (The node was low on resource: memory.): give it more room, or less to do beside others
    its pod went with the node node1, or was removed there
    its pod was removed
    the cluster started it a second time while it may have been at work elsewhere: neither of the two counts
    its inputs could not be brought: it is not there
    what it made could not be taken away: the store is away
    the cluster's own time limit for pods ended it: raise it for this namespace
    it did not start within 600s: the cluster has made no pod for it: look at the events of its job
    it did not start within 600s: no node takes it (0/2 nodes are available: 2 Insufficient cpu.): make room, or correct its resources or [executor.kubernetes]
    it did not start within 600s: its node cannot pull r/x@sha256:00 (Back-off pulling image): see that nodes reach the registry and may pull there
    it did not start within 600s: R//x is no name of an image: correct executor.kubernetes.registry
    it did not start within 600s: its container cannot be made (secret "x" not found)
    it did not start within 600s: its node is still making it: look at the events of its pod
    "#);
}
