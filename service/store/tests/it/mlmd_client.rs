#[allow(unused)]
use crate::databases;
