//! What a collector of OpenTelemetry gets.

use super::*;
use crate::report::trace;

#[test]
fn a_run_is_a_trace_with_a_span_of_each_program_that_ran() {
    let mut run = running(Some(7));
    let steps: Vec<_> = run.steps.keys().cloned().collect();
    let mut at = 10_000_000;
    for (number, step) in steps.iter().take(3).enumerate() {
        let record = run.steps.get_mut(step).unwrap();
        record.started_at = Some(Micros(at));
        record.ended_at = Some(Micros(at + 2_500_000));
        record.state = match number {
            0 => StepState::Succeeded { attempt: 1 },
            1 => StepState::Failed {
                attempt: 2,
                reason: "it exited with code 1".to_owned(),
            },
            // It took no time of its own.
            _ => StepState::Cached,
        };
        at += 3_000_000;
    }
    run.steps[0].metrics = BTreeMap::from([("auc".to_owned(), 0.75), ("loss".to_owned(), f64::NAN)]);
    assert_eq!(trace(&run, "0123", Some("http://ci.test/")), None);
    let run = ended(run, RunState::Failed, "step 2 failed");
    let trace = trace(&run, "0123", Some("http://ci.test/")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&trace).unwrap(), @r#"
    {
      "resourceSpans": [
        {
          "resource": {
            "attributes": [
              {
                "key": "service.name",
                "value": {
                  "stringValue": "trainyard"
                }
              },
              {
                "key": "service.version",
                "value": {
                  "stringValue": "0.1.0"
                }
              },
              {
                "key": "service.instance.id",
                "value": {
                  "stringValue": "0123"
                }
              }
            ]
          },
          "scopeSpans": [
            {
              "scope": {
                "name": "trainyard",
                "version": "0.1.0"
              },
              "spans": [
                {
                  "traceId": "938db8c9f82c8cb58d3f3ef4fd250036",
                  "spanId": "4d36c155846e6b33",
                  "name": "RUN flights",
                  "kind": 2,
                  "startTimeUnixNano": "1000",
                  "endTimeUnixNano": "3000",
                  "attributes": [
                    {
                      "key": "cicd.pipeline.name",
                      "value": {
                        "stringValue": "flights"
                      }
                    },
                    {
                      "key": "cicd.pipeline.action.name",
                      "value": {
                        "stringValue": "RUN"
                      }
                    },
                    {
                      "key": "cicd.pipeline.run.id",
                      "value": {
                        "stringValue": "01"
                      }
                    },
                    {
                      "key": "cicd.pipeline.result",
                      "value": {
                        "stringValue": "failure"
                      }
                    },
                    {
                      "key": "cicd.pipeline.run.url.full",
                      "value": {
                        "stringValue": "http://ci.test/runs/01"
                      }
                    },
                    {
                      "key": "vcs.owner.name",
                      "value": {
                        "stringValue": "acme"
                      }
                    },
                    {
                      "key": "vcs.repository.name",
                      "value": {
                        "stringValue": "flights"
                      }
                    },
                    {
                      "key": "vcs.ref.head.revision",
                      "value": {
                        "stringValue": "0123456789abcdef0123456789abcdef01234567"
                      }
                    },
                    {
                      "key": "vcs.ref.head.name",
                      "value": {
                        "stringValue": "faster"
                      }
                    },
                    {
                      "key": "vcs.change.id",
                      "value": {
                        "stringValue": "7"
                      }
                    },
                    {
                      "key": "trainyard.trigger",
                      "value": {
                        "stringValue": "pull_request"
                      }
                    },
                    {
                      "key": "trainyard.cause",
                      "value": {
                        "stringValue": "pull request #7 by ada opened"
                      }
                    },
                    {
                      "key": "trainyard.queued_seconds",
                      "value": {
                        "doubleValue": 1e-6
                      }
                    }
                  ],
                  "status": {
                    "code": 2,
                    "message": "step 2 failed"
                  }
                },
                {
                  "traceId": "938db8c9f82c8cb58d3f3ef4fd250036",
                  "spanId": "cc526670fff1dd27",
                  "parentSpanId": "4d36c155846e6b33",
                  "name": "examples",
                  "kind": 1,
                  "startTimeUnixNano": "10000000000",
                  "endTimeUnixNano": "12500000000",
                  "attributes": [
                    {
                      "key": "cicd.pipeline.task.name",
                      "value": {
                        "stringValue": "examples"
                      }
                    },
                    {
                      "key": "cicd.pipeline.task.run.id",
                      "value": {
                        "stringValue": "01/examples"
                      }
                    },
                    {
                      "key": "cicd.pipeline.task.run.result",
                      "value": {
                        "stringValue": "success"
                      }
                    },
                    {
                      "key": "trainyard.metric.auc",
                      "value": {
                        "doubleValue": 0.75
                      }
                    }
                  ],
                  "status": {}
                },
                {
                  "traceId": "938db8c9f82c8cb58d3f3ef4fd250036",
                  "spanId": "62d3368ed39e383b",
                  "parentSpanId": "4d36c155846e6b33",
                  "name": "statistics",
                  "kind": 1,
                  "startTimeUnixNano": "13000000000",
                  "endTimeUnixNano": "15500000000",
                  "attributes": [
                    {
                      "key": "cicd.pipeline.task.name",
                      "value": {
                        "stringValue": "statistics"
                      }
                    },
                    {
                      "key": "cicd.pipeline.task.run.id",
                      "value": {
                        "stringValue": "01/statistics"
                      }
                    },
                    {
                      "key": "cicd.pipeline.task.run.result",
                      "value": {
                        "stringValue": "failure"
                      }
                    }
                  ],
                  "status": {
                    "code": 2,
                    "message": "it exited with code 1"
                  }
                }
              ]
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn the_id_of_a_run_is_that_of_its_trace_and_a_clock_that_was_set_back_makes_no_span_negative() {
    let mut run = running(None);
    run.request.id = "01890a5d-ac96-774b-bcce-b302099a8057".into();
    run.started_at = Some(Micros(9_000_000));
    let run = ended(run, RunState::Succeeded, "done");
    let trace = trace(&run, "0123", None).unwrap();
    let span = &trace["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], "01890a5dac96774bbcceb302099a8057");
    assert_eq!(span["startTimeUnixNano"], "9000000000");
    assert_eq!(span["endTimeUnixNano"], "9000000000");
}
