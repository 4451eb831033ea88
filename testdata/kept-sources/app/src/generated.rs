pub const SAID: &str = "what was checked in";
