//! The pages in a real browser, with the service and a simulated GitHub behind them.

mod driver;
mod every_page;
mod hostile;
mod look;
mod scenarios;
pub mod world;
