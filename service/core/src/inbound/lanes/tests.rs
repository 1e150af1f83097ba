use super::*;
use proptest::prelude::*;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn well() -> TurnEnd {
    TurnEnd {
        left: Vec::new(),
        failure: None,
        reached: true,
    }
}

fn failed(left: &[u64], failure: Failure) -> TurnEnd {
    TurnEnd {
        left: left.to_vec(),
        failure: Some(failure),
        reached: false,
    }
}

#[test]
fn lanes_are_served_in_turn_and_one_at_a_time() {
    let mut lanes = Lanes::new(2);
    for (key, number) in [("a", 1), ("a", 2), ("b", 3), ("c", 4)] {
        lanes.join(key, number, at(0));
    }
    assert_eq!(lanes.next(at(0)), Some(("a", vec![1, 2])));
    assert_eq!(lanes.next(at(0)), Some(("b", vec![3])));
    assert_eq!(lanes.next(at(0)), None, "two are at work");
    lanes.join("a", 5, at(0));
    lanes.end(&"a", &well(), at(1));
    assert_eq!(lanes.next(at(1)), Some(("c", vec![4])), "a was served before");
    lanes.end(&"b", &well(), at(1));
    assert_eq!(lanes.next(at(1)), Some(("a", vec![5])));
    lanes.end(&"a", &well(), at(1));
    lanes.end(&"c", &well(), at(1));
    assert!(lanes.is_empty() && lanes.wake().is_none());
}

#[test]
fn an_outage_keeps_the_order_and_ends_for_all_when_one_gets_through() {
    let mut lanes = Lanes::new(8);
    for (key, number) in [("a", 1), ("a", 2), ("b", 3)] {
        lanes.join(key, number, at(0));
    }
    let mut tries = Vec::new();
    // Minutes without an answer.
    let mut now = at(0);
    while now < at(300) {
        while let Some((key, numbers)) = lanes.next(now) {
            tries.push((now.as_secs(), key));
            assert_eq!(numbers[0], if key == "a" { 1 } else { 3 });
            lanes.end(&key, &failed(&numbers, Failure::Outage), now);
        }
        now = lanes.wake().unwrap();
    }
    let of_a: Vec<u64> = tries
        .iter()
        .filter(|(_, key)| *key == "a")
        .map(|(second, _)| *second)
        .collect();
    assert_eq!(of_a[..6], [0, 1, 3, 7, 12, 17]);
    // A delivery of another repository gets through: both are tried at once, each from its beginning.
    lanes.join("c", 9, now);
    let ready = |lanes: &mut Lanes<&'static str>, now| -> Vec<_> { std::iter::from_fn(|| lanes.next(now)).collect() };
    let soon = now + at(2);
    let mut turns = ready(&mut lanes, soon);
    turns.sort();
    for (key, numbers) in turns {
        let end = if key == "c" {
            well()
        } else {
            failed(&numbers, Failure::Outage)
        };
        lanes.end(&key, &end, soon);
    }
    assert_eq!(ready(&mut lanes, soon + SOON), [("a", vec![1]), ("b", vec![3])]);
}

#[test]
fn what_waits_for_access_is_tried_when_it_may_be_granted() {
    let mut lanes = Lanes::new(8);
    lanes.join("a", 1, at(0));
    let mut now = at(0);
    for _ in 0..8 {
        let (key, numbers) = lanes.next(now).unwrap();
        lanes.end(&key, &failed(&numbers, Failure::Own), now);
        now = lanes.wake().unwrap();
    }
    let early = now - at(60);
    assert_eq!(lanes.next(early), None);
    lanes.hurry(early);
    assert_eq!(lanes.next(early), Some(("a", vec![1])));
}

#[test]
fn a_new_delivery_makes_its_lane_try_soon() {
    let mut lanes = Lanes::new(8);
    lanes.join("a", 1, at(0));
    let mut now = at(0);
    for _ in 0..6 {
        let (key, numbers) = lanes.next(now).unwrap();
        lanes.end(&key, &failed(&numbers, Failure::Outage), now);
        now = lanes.wake().unwrap();
    }
    let tried = now - LONG;
    lanes.join("a", 2, tried + Duration::from_millis(10));
    assert_eq!(lanes.wake(), Some(tried + SOON));
    assert_eq!(
        lanes.next(tried + SOON),
        Some(("a", vec![1])),
        "the first finds out for both"
    );
}

#[test]
fn a_delivery_that_fails_by_itself_lets_the_others_pass_at_last() {
    let mut lanes = Lanes::new(8);
    for number in 1..=3 {
        lanes.join("a", number, at(0));
    }
    for second in [0, 1, 3] {
        let (key, numbers) = lanes.next(at(second)).unwrap();
        assert_eq!(numbers[0], 1);
        lanes.end(&key, &failed(&numbers, Failure::Own), at(second));
    }
    assert_eq!(lanes.next(at(3)), Some(("a", vec![2, 3])));
    lanes.end(&"a", &well(), at(3));
    assert_eq!((lanes.next(at(6)), lanes.wake()), (None, Some(at(7))));
    assert_eq!(lanes.next(at(7)), Some(("a", vec![1])), "it is tried again by itself");
}

proptest! {
    /// Whatever fails in whatever order: all are settled in the end, each once, a lane's in order while nothing
    /// fails by itself, and no lane is at work twice.
    #[test]
    fn everything_is_settled_once(
        joins in prop::collection::vec(0_u8..4, 1..40),
        dice in prop::collection::vec(0_u8..10, 0..200),
        own in any::<bool>(),
    ) {
        let mut lanes = Lanes::new(2);
        let mut dice = dice.into_iter();
        let (mut now, mut joins) = (at(0), joins.into_iter().zip(1_u64..));
        let (mut settled, mut joined, mut at_work) = (Vec::new(), 0, Vec::new());
        for _ in 0..10_000 {
            for (key, number) in joins.by_ref().take(1) {
                lanes.join(key, number, now);
                joined += 1;
            }
            while let Some((key, numbers)) = lanes.next(now) {
                prop_assert!(at_work.iter().all(|(other, _)| *other != key));
                prop_assert!(!numbers.is_empty() && numbers.is_sorted());
                at_work.push((key, numbers));
            }
            prop_assert!(at_work.len() <= 2);
            if at_work.is_empty() {
                match lanes.wake() {
                    Some(wake) => now = wake.max(now),
                    None => break,
                }
                continue;
            }
            let (key, numbers) = at_work.remove(0);
            let (failure, done) = match dice.next().unwrap_or(9) {
                0..=2 => (Some(Failure::Outage), numbers.len() / 2),
                3 | 4 if own => (Some(Failure::Own), numbers.len() / 2),
                _ => (None, numbers.len()),
            };
            settled.extend(numbers[..done].iter().map(|number| (key, *number)));
            let end = TurnEnd { left: numbers[done..].to_vec(), failure, reached: failure.is_none() };
            lanes.end(&key, &end, now);
        }
        prop_assert!(lanes.is_empty());
        for key in 0..4 {
            let of_lane: Vec<u64> = settled.iter().filter(|(other, _)| *other == key).map(|(_, n)| *n).collect();
            prop_assert!(own || of_lane.is_sorted());
        }
        let mut numbers: Vec<u64> = settled.into_iter().map(|(_, number)| number).collect();
        numbers.sort();
        prop_assert_eq!(numbers, (1..=joined).collect::<Vec<u64>>());
    }
}
