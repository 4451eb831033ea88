pub const NAME: &str = "twice";

pub const LOUD: bool = cfg!(feature = "loud");
