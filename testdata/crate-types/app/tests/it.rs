#[test]
fn it_is_never_built() {}
