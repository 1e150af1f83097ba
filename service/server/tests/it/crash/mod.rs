//! The real service, killed again and again while it trains and pushes: nothing is lost, nothing done twice.

mod endpoint;
mod invariants;
#[path = "../../../../engine/tests/it/laws.rs"]
mod laws;
#[allow(dead_code, reason = "the doubles of the engine's tests")]
#[path = "../../../../engine/tests/it/model_server.rs"]
mod model_server;
mod pipelines;
#[allow(dead_code, reason = "the doubles of the engine's tests")]
#[path = "../../../../engine/tests/it/workspace.rs"]
mod workspace;
mod world;

use serde_json::json;
use std::process::Command;
use std::time::Duration;
use trainyard_engine::CrashPoint;
use trainyard_store::RunFilter;
use world::{TARGETS, World};

/// Marsaglia's xorshift: the same kills for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let count = u64::try_from(all.len()).unwrap();
        all[usize::try_from(self.roll(count)).unwrap()]
    }
}

/// Something that people or machines do meanwhile.
fn one_thing(world: &mut World, dice: &mut Dice) {
    let target = dice.one_of(&TARGETS);
    match dice.roll(16) {
        0..=4 => {
            let auc = format!("0.{}", 50 + dice.roll(49));
            world.push(&[target], &auc);
        }
        5 => {
            world.push(&TARGETS, "0.9");
        }
        6 | 7 => world.call(
            &format!("/api/v1/targets/{target}/rollback"),
            json!({"reason": "a person wants it"}),
        ),
        8 | 9 => {
            let filter = RunFilter {
                limit: 8,
                ..RunFilter::default()
            };
            let reads = world.reads();
            let runs = world.block_on(async { reads.runs(&filter).await.unwrap_or_default() });
            if !runs.is_empty() {
                let run = &runs[usize::try_from(dice.roll(runs.len() as u64)).unwrap()];
                let asked = json!({"model": run.id, "reason": "a person wants it"});
                world.call("/api/v1/promotions", asked);
            }
        }
        10 => world.call("/api/v1/runs", json!({"repo": world::REPO, "pipeline": target})),
        11 => {
            let reads = world.reads();
            let active = world.block_on(async { reads.active_runs().await.unwrap_or_default() });
            if let Some(run) = active.first() {
                world.call(&format!("/api/v1/runs/{}/cancel", run.id), json!({}));
            }
        }
        12..=14 => world.data_arrive(),
        _ => {}
    }
}

/// One death of the service.
fn one_kill(world: &mut World, dice: &mut Dice) {
    let manner = dice.roll(6);
    if manner > 3 {
        let points: Vec<CrashPoint> = CrashPoint::all().collect();
        let point = format!("{}:{}", dice.one_of(&points).name(), 1 + dice.roll(3));
        world.start(Some(&point));
        // It may die before it answers.
        for _ in 0..40 {
            if world.get("/healthz").is_some() || world.is_dead() {
                break;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        world.redeliver();
        one_thing(world, dice);
        world.died(Duration::from_millis(2500));
        world.kill();
        return;
    }
    world.start(None);
    // At its start, or later.
    let pause = |dice: &mut Dice, longest: u64| std::thread::sleep(Duration::from_millis(dice.roll(longest)));
    match manner {
        0 => pause(dice, 200),
        1 => {
            // What is pushed and sent meanwhile needs git.
            pause(dice, 400);
            world.redeliver();
            one_thing(world, dice);
            let signal = dice.one_of(&["-KILL", "-TERM"]);
            for _ in 0..100 {
                for git in world.gits() {
                    let _ = Command::new("kill").args([signal, &git.to_string()]).status();
                }
                std::thread::sleep(Duration::from_millis(4));
            }
            pause(dice, 600);
        }
        _ => pause(dice, 2000),
    }
    world.kill();
}

fn storm(seed: u64, kills: u64) {
    // Containers take longer, and only with them a candidate is tried before it is pushed.
    let docker = std::env::var("EXECUTOR").is_ok_and(|kind| kind == "docker");
    let executor = if docker { " EXECUTOR=docker" } else { "" };
    let mut world = World::new(format!("make crash SEED={seed} KILLS={kills}{executor}"), docker);
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    world.start(None);
    world.push(&TARGETS, "0.7");
    invariants::check(&mut world);
    for kill in 0..kills {
        one_kill(&mut world, &mut dice);
        world.start(None);
        world.ready();
        world.redeliver();
        for _ in 0..dice.roll(3) {
            one_thing(&mut world, &mut dice);
        }
        std::thread::sleep(Duration::from_millis(dice.roll(1500)));
        world.kill();
        if kill % 25 == 24 || kill + 1 == kills {
            world.start(None);
            world.ready();
            invariants::check(&mut world);
            eprintln!("seed {seed}: {} kills", kill + 1);
        }
    }
    invariants::whole(&world);
}

/// A handful, one after the other on the way of one push: the service is started again to die at the next one. All of
/// them are tried in one process by the engine's tests.
#[test]
fn killed_at_named_points_in_turn_a_push_ends_as_it_should() {
    const POINTS: [&str; 12] = [
        "delivery.store.after",
        "source.fetch.before",
        "delivery.settle.after",
        "source.check_out.after",
        "program.start.after",
        "content.publish.after",
        "run.step_published.before",
        "push.intent.after",
        "version.write.after",
        "push.record.before",
        "tell.status.after",
        "outbox.clear.before",
    ];
    let mut world = World::new(
        "cargo nextest run --workspace -E 'test(killed_at_named_points)'".to_owned(),
        false,
    );
    for (first, point) in POINTS.iter().enumerate() {
        world.start(Some(point));
        if first == 0 {
            world.ready();
            world.push(&TARGETS, "0.8");
        }
        world.until("its death", || match world.is_dead() {
            true => Ok(()),
            false => {
                world.redeliver();
                std::thread::sleep(Duration::from_millis(200));
                Err(format!("it is alive, and was to die at {point}"))
            }
        });
        world.kill();
    }
    world.start(None);
    invariants::check(&mut world);
    invariants::whole(&world);
}

#[test]
#[ignore = "minutes: `make crash SEED=… KILLS=…`"]
fn many_random_kills() {
    let number = |name: &str, otherwise: u64| {
        let set = std::env::var(name).ok();
        set.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    storm(number("SEED", 1), number("KILLS", 200));
}
