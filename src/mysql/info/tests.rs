use super::*;
use crate::fixture::{Call, Given};
use crate::reference::Reference;
use crate::server::hook::raised;
use crate::summary::Summary;
use crate::trained::{Idle, mixed, reference, sum};
use tablenet_core::ModelFile;

fn text<F: TextFunction>(given: &[u8]) -> Result<Option<String>, String> {
    let mut call = Call::<F>::new(&[given.into()])?;
    call.text().map_err(|()| raised())
}

#[test]
fn bytes_and_reference_give_the_texts_of_the_core() {
    let model = mixed();
    let file = ModelFile::from_bytes(&model, 1 << 30, &mut Idle).expect("a model");
    let mut ready = Call::<Reference>::new(&[model.as_slice().into()]).expect("a model");
    assert_eq!(ready.bytes(), Ok(Some(reference(&model))));
    for given in [model.clone(), reference(&model)] {
        let info = text::<Info>(&given).expect("an answer").expect("not NULL");
        let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
        assert_eq!(info, file.info().expect("a description"));
        assert_eq!(info["features"][0]["name"], "größe");
        assert_eq!(
            text::<Summary>(&given),
            Ok(Some(file.summary_text().expect("a table")))
        );
    }
}

#[test]
fn looking_at_bytes_makes_nothing_ready() {
    let model = sum(77, 4, true);
    assert!(text::<Info>(&model).is_ok());
    let refused = text::<Summary>(&reference(&model));
    assert!(
        refused.is_err_and(|it| it.contains("is not ready in this server. Call ml_ref(model)"))
    );
}

#[test]
fn null_is_null_and_damage_is_refused() {
    let mut call = Call::<Info>::new(&[Given::Null]).expect("a call");
    assert_eq!(call.text(), Ok(None));
    let refused = text::<Info>(b"\x05\0damaged model");
    assert!(refused.is_err_and(|it| it.starts_with("ml_info: model data is damaged")));
}
