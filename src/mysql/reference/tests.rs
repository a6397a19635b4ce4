use super::*;
use crate::fixture::{Call, Given};
use crate::server::hook::raised;
use crate::trained::{reference, sum};

#[test]
fn a_model_becomes_its_reference_and_a_reference_stays() {
    let (model, other) = (sum(100, 4, true), sum(101, 4, true));
    let mut call = Call::<Reference>::new(&[model.as_slice().into()]).expect("a model");
    for model in [&model, &other, &model] {
        call.set(&[model.as_slice().into()]);
        assert_eq!(call.bytes(), Ok(Some(reference(model))));
        call.set(&[reference(model).as_slice().into()]);
        assert_eq!(call.bytes(), Ok(Some(reference(model))));
    }
    call.set(&[Given::Null]);
    assert_eq!(call.bytes(), Ok(None));
}

#[test]
fn what_is_no_model_is_refused() {
    assert_eq!(
        Call::<Reference>::new(&[1.5.into()]).err().as_deref(),
        Some(
            "ml_ref: argument 1 must be a model, not a number. Pass a model, or what ml_ref(model) answers."
        )
    );
    assert!(Call::<Reference>::new(&[]).is_err());
    let mut call = Call::<Reference>::new(&["house_price".into()]).expect("a text");
    assert_eq!(call.bytes(), Err(()));
    let expected = "ml_ref: \"house_price\" is not a model. Pass the bytes of a model, or what ml_ref(model) answers";
    assert!(raised().starts_with(expected), "{}", raised());
    call.set(&[[8_u8; 100].as_slice().into()]);
    assert_eq!(call.bytes(), Err(()));
    assert!(raised().starts_with("ml_ref: model data is damaged."));
}
