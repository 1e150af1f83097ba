//! Cache keys: what was made by an older binary still stands in.

use crate::samples::{PIPELINES, compiled, read, versions};
use std::collections::BTreeMap;
use trainyard_core::artifact::Digest;
use trainyard_core::cache_key::{key, preimage};
use trainyard_core::plan::Plan;
use trainyard_core::span::SpanContent;

fn digest(byte: u8) -> Digest {
    Digest::from_sha256(&[byte; 32])
}

/// The key of every step, its second input being nothing.
fn keys(plan: &Plan) -> BTreeMap<String, String> {
    let step_key = |(name, step): (&_, &_)| {
        let planned: &trainyard_core::plan::PlannedStep = step;
        let inputs = planned.inputs.keys().zip(0_u8..);
        let inputs = inputs.map(|(input, index)| (input.clone(), (index != 1).then(|| digest(index))));
        let span = || SpanContent {
            span: 15706,
            version: Some(2),
            file: "2013-01.parquet".to_owned(),
            digest: digest(5),
        };
        let spans: Vec<SpanContent> = planned.source.iter().map(|_| span()).collect();
        let preimage = preimage(planned, Some(digest(7).as_str()), &inputs.collect(), &spans);
        (format!("{}/{name}", plan.pipeline), key(&preimage))
    };
    plan.steps.iter().map(step_key).collect()
}

/// A change here makes what every user has cached useless: raise `KEY_VERSION` knowingly.
#[test]
fn a_pipeline_file_keeps_its_keys() {
    let keys = PIPELINES.map(|name| keys(&compiled(name)));
    let lines: Vec<String> = keys
        .iter()
        .flatten()
        .map(|(step, key)| format!("{step} {key}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    flights/evaluate 2c7adfd7dcae492c449f52cb75171151ae6810378efa70e7e74a73588544db07
    flights/examples 336c4b955297d19c63e4e7e6147767387cc54bfc3edac76f68eb3d08b2f36c44
    flights/infer_baseline aa09eb3741979dbd5c596d6f5522f108b1b379b303cb11d0d15c762e34c738f2
    flights/infer_candidate aa09eb3741979dbd5c596d6f5522f108b1b379b303cb11d0d15c762e34c738f2
    flights/newest f9c860d8b90e6dc593d6ccc664c9137cf3f203df64ee0d8f89f49e4002bc359b
    flights/newest_statistics 5d40182ba8ac84126ed573235b809cb870abf15ba5262e1278261add1e4ce8f0
    flights/previous f9c860d8b90e6dc593d6ccc664c9137cf3f203df64ee0d8f89f49e4002bc359b
    flights/previous_statistics 5d40182ba8ac84126ed573235b809cb870abf15ba5262e1278261add1e4ce8f0
    flights/train 9fa769ea24dc75342e037640916b6fd8c76e4d323afee2edef1963dd314e64d3
    flights/transform 568eefcc40c26dc7f815c961a24e24c7628caf2e326fecd99bba6c018e74bd15
    flights/validate 9228f933b541866d8a47d4bb8b0c665c640f3d28495c9219daeec562692fe25e
    everything/before 5d40182ba8ac84126ed573235b809cb870abf15ba5262e1278261add1e4ce8f0
    everything/evaluate 70751e444e8dd6c8be1da25008d0b99fee7b2d15d41338ef6066193678177cb9
    everything/examples 4239aa988bd8340f2b5ac09c70f1c13e3c7969f98fb1c4f8c5b60aeab0382eab
    everything/infer b6e8c5b1e8a59623c5d098e46459246e0aa8e5c93657d60aff00bfe126902aa3
    everything/newest a4705b749811cf7e7b96dd826de1b36a5434e2e4fe2290f7e560d2c6087c559f
    everything/statistics 7ff9bee502dd462050d4a2e74462007b19100e2fc35252bdf9259ccfcdc5508b
    everything/train ccb0751ba881e94cc8d5e5bbe8b5b7c579015c7c8045c9ccde64a466231d04d0
    everything/validate 2a9d5637eb24c3d18bb8983afd473462934e26867cd7ecd70cb95d9ccd5190be
    bare/train 4a1f22225629f59168b65cddf52c400a03d36e9590a30fd449e00830ee4ba9a0
    ");
}

#[test]
fn a_plan_keeps_its_keys_in_every_form_it_was_stored_in() {
    for folder in versions() {
        for name in PIPELINES {
            let plan: Plan = read(&format!("{folder}/{name}.plan.json"));
            assert_eq!(keys(&plan), keys(&compiled(name)), "{folder}/{name}");
        }
    }
}
