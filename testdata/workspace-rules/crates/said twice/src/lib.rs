pub const NAME: &str = "twice";
