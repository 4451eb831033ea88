#[test] fn runs() { assert_eq!(hex::encode([1]), "01"); }
