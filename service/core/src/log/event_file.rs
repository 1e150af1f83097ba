//! TensorBoard's event files, as PyTorch's `SummaryWriter`, Keras' callback and others write them: the scalars in them.
//!
//! A file is a sequence of TensorFlow's records (`tensorflow/core/lib/io/record_writer.h`): the length in 8 bytes, its
//! checksum in 4, the data, their checksum in 4, all little-endian. A checksum is the CRC-32C, rotated right by 15 bits,
//! plus a constant. Each record is an `Event` (`tensorflow/core/util/event.proto`).

use super::reported::Curves;
use crc::{CRC_32_ISCSI, Crc, Table};
use prost::Message;

/// Bytes of a record that is read; longer ones are images, graphs and histograms, and are passed over.
pub const LONGEST_RECORD: usize = 512 * 1024;
/// Bytes of a record beside its data.
pub const FRAME: usize = HEAD + 4;
const HEAD: usize = 12;

/// The one plugin of TensorBoard whose tensors are scalars.
const SCALARS: &str = "scalars";
/// What trials of hyperparameters are called; their one value says nothing.
const HYPERPARAMETERS: &str = "_hparams_/";

static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// What is wrong with an event file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It does not begin with a record.
    NoEventFile,
    /// A record is not what its checksum says.
    Checksum {
        /// The byte where it begins.
        at: u64,
    },
    /// A record is whole, and no event.
    NoEvent {
        /// The byte where it begins.
        at: u64,
    },
}

impl Damage {
    /// What it is, and what follows.
    pub fn sentence(self) -> String {
        match self {
            Self::NoEventFile => "it is no event file: its first record has a wrong checksum".to_owned(),
            Self::Checksum { at } => {
                format!("it is damaged at byte {at}, where a checksum is wrong: what comes after is not read")
            }
            Self::NoEvent { at } => {
                format!("the record at byte {at} is no event of TensorBoard's: what comes after is not read")
            }
        }
    }
}

/// An event file as far as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFile {
    /// The byte behind the last whole record.
    pub to: u64,
    /// Scalars so far.
    pub reports: u64,
    /// What they say, by tag.
    pub curves: Curves,
    /// Why it is not read on.
    pub damage: Option<Damage>,
}

impl EventFile {
    /// Takes what stands from [`to`](Self::to) on, whole records only; whether there was one. A long one is passed over,
    /// as far as it goes.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        let from = self.to;
        let mut rest = bytes;
        while self.damage.is_none()
            && let Some((head, behind)) = rest.split_at_checked(HEAD)
        {
            let length = u64::from_le_bytes(head[..8].try_into().unwrap_or_default());
            if !is_right(&head[..8], &head[8..]) {
                self.damage = Some(match self.to {
                    0 => Damage::NoEventFile,
                    at => Damage::Checksum { at },
                });
                break;
            }
            let data = match usize::try_from(length) {
                Ok(length) if length <= LONGEST_RECORD => behind.get(..length + 4),
                _ => {
                    self.to = self.to.saturating_add(length).saturating_add(FRAME as u64);
                    break;
                }
            };
            let Some((data, checksum)) = data.and_then(|data| data.split_last_chunk::<4>()) else {
                break;
            };
            if !is_right(data, checksum) {
                self.damage = Some(Damage::Checksum { at: self.to });
            } else if let Ok(event) = Event::decode(data) {
                self.event(event);
                self.to += (data.len() + FRAME) as u64;
                rest = &behind[data.len() + 4..];
            } else {
                self.damage = Some(Damage::NoEvent { at: self.to });
            }
        }
        self.to > from
    }

    fn event(&mut self, event: Event) {
        let Ok(step) = u64::try_from(event.step) else {
            return;
        };
        for value in event.summary.unwrap_or_default().value {
            let tag = String::from_utf8_lossy(&value.tag);
            if tag.starts_with(HYPERPARAMETERS) {
                continue;
            }
            if let Some(number) = value.scalar().filter(|number| number.is_finite()) {
                self.reports += u64::from(self.curves.add(&tag, step, number));
            }
        }
    }
}

fn is_right(data: &[u8], checksum: &[u8]) -> bool {
    let crc = CRC.checksum(data);
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes() == checksum
}

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(bytes = "vec", tag = "1")]
    tag: Vec<u8>,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "8")]
    tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    metadata: Option<Metadata>,
}

/// `SummaryMetadata`; writers need to give it with the first value of a tag only.
#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, optional, tag = "1")]
    plugin_data: Option<PluginData>,
}

#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(bytes = "vec", tag = "1")]
    plugin_name: Vec<u8>,
}

/// `TensorProto`, as far as numbers go.
#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
    #[prost(bytes = "vec", tag = "4")]
    content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    floats: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    doubles: Vec<f64>,
    #[prost(int32, repeated, tag = "7")]
    ints: Vec<i32>,
    #[prost(int64, repeated, tag = "10")]
    longs: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<Dimension>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Dimension {
    #[prost(int64, tag = "1")]
    size: i64,
}

/// Of `DataType`: numbers that a scalar is made of.
const FLOAT: i32 = 1;
const DOUBLE: i32 = 2;
const INT32: i32 = 3;
const INT64: i32 = 9;

impl Value {
    fn scalar(&self) -> Option<f64> {
        let plugin = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.plugin_data.as_ref());
        let plugin = plugin.map_or(&[][..], |plugin| &plugin.plugin_name);
        if !plugin.is_empty() && plugin != SCALARS.as_bytes() {
            return None;
        }
        match (self.simple_value, &self.tensor) {
            (Some(value), _) => Some(widened(value)),
            (None, Some(tensor)) => tensor.scalar(),
            (None, None) => None,
        }
    }
}

impl Tensor {
    /// Its one number, if it has one and no more.
    fn scalar(&self) -> Option<f64> {
        let dimensions = self.shape.iter().flat_map(|shape| &shape.dim);
        if dimensions.into_iter().any(|dimension| dimension.size != 1) {
            return None;
        }
        let content = self.content.as_slice();
        match (self.dtype, content.is_empty()) {
            (FLOAT, true) => self.floats.first().copied().map(widened),
            (FLOAT, false) => Some(widened(f32::from_le_bytes(content.try_into().ok()?))),
            (DOUBLE, true) => self.doubles.first().copied(),
            (DOUBLE, false) => Some(f64::from_le_bytes(content.try_into().ok()?)),
            (INT32, true) => self.ints.first().copied().map(f64::from),
            (INT32, false) => Some(f64::from(i32::from_le_bytes(content.try_into().ok()?))),
            (INT64, true) => self.longs.first().map(|value| *value as f64),
            (INT64, false) => Some(i64::from_le_bytes(content.try_into().ok()?) as f64),
            _ => None,
        }
    }
}

/// The number that was written: 0.1 stays 0.1, and does not become 0.10000000149.
fn widened(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Written by tensorboardX 2.6.5: scalars `loss` and `auc`, a text and a histogram.
    const TENSORBOARDX: &[u8] = include_bytes!("../../tests/event_files/events.out.tfevents.tensorboardX");
    /// Written by tensorboard 2.21: the scalar `epoch_loss`, as a tensor.
    const TENSORBOARD: &[u8] = include_bytes!("../../tests/event_files/events.out.tfevents.tensorboard");

    fn read(bytes: &[u8]) -> EventFile {
        let mut file = EventFile::default();
        file.take(bytes);
        file
    }

    fn points(file: &EventFile) -> Vec<(&str, Vec<(u64, f64)>)> {
        let curves = file.curves.iter();
        curves.map(|(name, curve)| (name, curve.points())).collect()
    }

    #[test]
    fn scalars_are_read_from_what_the_real_writers_write() {
        let file = read(TENSORBOARDX);
        assert_eq!(
            (file.damage, file.to, file.reports),
            (None, TENSORBOARDX.len() as u64, 10)
        );
        assert_eq!(
            points(&file),
            [
                ("auc", vec![(0, 0.6), (10, 0.61), (20, 0.62), (30, 0.63), (40, 0.64)]),
                (
                    "loss",
                    vec![(0, 1.0), (10, 0.5), (20, 0.33333334), (30, 0.25), (40, 0.2)]
                ),
            ]
        );
        let file = read(TENSORBOARD);
        assert_eq!((file.damage, file.to), (None, TENSORBOARD.len() as u64));
        assert_eq!(points(&file), [("epoch_loss", vec![(0, 0.5), (1, 0.4), (2, 0.3)])]);
    }

    #[test]
    fn a_file_that_grows_is_read_on_at_any_byte() {
        for cut in 0..TENSORBOARDX.len() {
            let mut file = read(&TENSORBOARDX[..cut]);
            assert_eq!(file.damage, None, "{cut}");
            let rest = usize::try_from(file.to).unwrap();
            assert!(rest <= cut);
            file.take(&TENSORBOARDX[rest..]);
            assert_eq!(file, read(TENSORBOARDX), "{cut}");
        }
    }

    #[test]
    fn every_changed_byte_is_seen_and_what_was_before_it_stays() {
        for at in 0..TENSORBOARDX.len() {
            let mut bytes = TENSORBOARDX.to_vec();
            bytes[at] ^= 0x40;
            let file = read(&bytes);
            assert!(file.damage.is_some(), "{at}");
            assert!(file.to <= at as u64, "{at}");
        }
        let mut bytes = TENSORBOARDX.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let said = [read(&bytes), read(b"loss,step\n0.5,1\n")].map(|file| file.damage.unwrap().sentence());
        insta::assert_snapshot!(said.join("\n"), @"
        it is damaged at byte 410, where a checksum is wrong: what comes after is not read
        it is no event file: its first record has a wrong checksum
        ");
    }

    fn record(data: &[u8]) -> Vec<u8> {
        let masked = |data: &[u8]| {
            CRC.checksum(data)
                .rotate_right(15)
                .wrapping_add(0xa282_ead8)
                .to_le_bytes()
        };
        let length = (data.len() as u64).to_le_bytes();
        [&length[..], &masked(&length), data, &masked(data)].concat()
    }

    fn event(tag: &str, step: i64, value: Value) -> Vec<u8> {
        let value = Value {
            tag: tag.as_bytes().to_vec(),
            ..value
        };
        let summary = Some(Summary { value: vec![value] });
        record(&Event { step, summary }.encode_to_vec())
    }

    #[test]
    fn long_records_are_passed_over_and_what_is_no_scalar_is_left_out() {
        let simple = |value| Value {
            simple_value: Some(value),
            ..Value::default()
        };
        let tensor = |dtype, sizes: &[i64], content: &[u8]| Value {
            tensor: Some(Tensor {
                dtype,
                shape: Some(Shape {
                    dim: sizes.iter().map(|size| Dimension { size: *size }).collect(),
                }),
                content: content.to_vec(),
                ..Tensor::default()
            }),
            ..Value::default()
        };
        let plugin = |name: &str| Value {
            metadata: Some(Metadata {
                plugin_data: Some(PluginData {
                    plugin_name: name.as_bytes().to_vec(),
                }),
            }),
            ..simple(1.0)
        };
        let long = record(&vec![0; LONGEST_RECORD + 1]);
        let bytes = [
            event("loss", 1, simple(3.0)),
            event("long", 2, tensor(DOUBLE, &[1, 1], &2.5_f64.to_le_bytes())),
            event("count", 2, tensor(INT64, &[], &7_i64.to_le_bytes())),
            event("matrix", 2, tensor(FLOAT, &[2], &[0; 8])),
            event("short", 2, tensor(DOUBLE, &[], &[0; 3])),
            event("image", 2, plugin("images")),
            event("nan", 2, simple(f32::NAN)),
            event("before", -1, simple(1.0)),
            event("_hparams_/session_start_info", 0, simple(0.0)),
            event(&"x".repeat(101), 0, simple(0.0)),
            long.clone(),
        ]
        .concat();
        let mut file = EventFile::default();
        assert!(file.take(&bytes[..bytes.len() - long.len() / 2]));
        assert_eq!((file.to, file.damage), (bytes.len() as u64, None));
        assert!(file.take(&event("loss", 2, simple(2.0))));
        let seen = points(&file);
        assert_eq!(
            seen,
            [
                ("count", vec![(2, 7.0)]),
                ("long", vec![(2, 2.5)]),
                ("loss", vec![(1, 3.0), (2, 2.0)]),
            ]
        );
        assert_eq!(
            read(&record(b"\xff")).damage,
            Some(Damage::NoEvent { at: 0 }),
            "a right checksum does not make an event"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            read(&bytes);
            read(&record(&bytes));
        }
    }
}
