//! What both services know about orders.

use serde::{Deserialize, Serialize};

/// One order of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub item: String,
    pub quantity: u32,
    pub cents_each: u32,
}

impl Order {
    /// What it costs, in cents.
    pub fn total(&self) -> u64 {
        u64::from(self.quantity) * u64::from(self.cents_each)
    }
}

/// Reads one order from JSON.
pub fn parse(text: &str) -> Result<Order, serde_json::Error> {
    serde_json::from_str(text)
}
