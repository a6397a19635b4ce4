use super::*;
use crate::trained::{reference, sum};

/// Enough that a model takes more memory than to read its description.
const UNITS: usize = 4096;

fn cache(limit: u64) -> &'static Cache {
    Box::leak(Box::new(Cache::new(limit, 1 << 30)))
}

/// Gets a model and says whether it had to be bound.
fn bound(models: &mut Models<u32>, given: &[u8]) -> bool {
    let mut bound = false;
    let got = models.get(given, |_| {
        bound = true;
        Ok(0)
    });
    let slot = got.map_err(|error| error.to_string()).expect("a model");
    assert!(*slot.given == given);
    bound
}

#[test]
fn a_model_is_bound_once_per_statement() {
    let all: Vec<_> = (1..20).map(|seed| sum(seed, UNITS, true)).collect();
    let mut models = Models::of(cache(1 << 30));
    for round in 0..3 {
        for model in &all {
            assert_eq!(bound(&mut models, model), round == 0);
            assert!(!bound(&mut models, model));
        }
    }
    // The same models under their references are bound apart, once.
    for round in 0..2 {
        for model in &all {
            assert_eq!(bound(&mut models, &reference(model)), round == 0);
        }
    }
}

#[test]
fn statements_share_the_copy_of_a_model() {
    let (model, cache) = (sum(1, UNITS, true), cache(1 << 30));
    let mut statements: Vec<Models<u32>> = (0..3).map(|_| Models::of(cache)).collect();
    let copies: Vec<_> = statements
        .iter_mut()
        .map(|models| Arc::clone(&models.get(&model, |_| Ok(0)).expect("a model").given))
        .collect();
    assert!(copies.iter().all(|copy| Arc::ptr_eq(copy, &copies[0])));
    let ready = cache.read(&model).expect("a model");
    let weak = Arc::downgrade(&copies[0]);
    drop((copies, statements));
    assert!(weak.upgrade().is_none());
    assert!(*ready.copy(&model).expect("a new one") == model);
}

#[test]
fn bytes_that_differ_in_any_place_are_another_model() {
    let model = sum(1, UNITS, true);
    let mut models = Models::of(cache(1 << 30));
    assert!(bound(&mut models, &model));
    for place in [0, 40, model.len() - 65, model.len() - 1] {
        let mut other = model.clone();
        other[place] ^= 1;
        assert!(models.get(&other, |_| Ok(0)).is_err(), "{place}");
        assert!(models.get(&[&model[..], b"x"].concat(), |_| Ok(0)).is_err());
        assert!(models.get(&model[1..], |_| Ok(0)).is_err());
        bound(&mut models, &model);
    }
}

#[test]
fn a_statement_holds_a_bounded_part_of_the_cache() {
    let all: Vec<_> = (1..30).map(|seed| sum(seed, UNITS, true)).collect();
    let largest = cache(1 << 30).read(&all[0]).expect("a model").bytes() + 2000;
    // Room for six: a quarter of it holds one.
    let cache = cache(6 * largest);
    let mut models = Models::of(cache);
    for round in 0..2 {
        for model in &all {
            assert!(bound(&mut models, model), "round {round}");
            assert!(models.held <= cache.limit() / 4 + largest);
        }
    }
    // Another statement finds room beside it.
    let mut other = Models::of(cache);
    for model in &all {
        bound(&mut other, model);
    }
}

#[test]
fn what_the_call_itself_holds_makes_room() {
    let all: Vec<_> = (1..4).map(|seed| sum(seed, UNITS, true)).collect();
    let sizes = all
        .iter()
        .map(|it| cache(1 << 30).read(it).expect("a model").bytes());
    // The model of the row before and the next one, but not a third.
    let mut models = Models::of(cache(sizes.max().unwrap_or(0) + 40_000));
    for model in &all {
        assert!(bound(&mut models, model));
    }
}

#[test]
fn a_reference_that_is_not_ready_is_an_error_with_what_to_do() {
    let mut models = Models::<u32>::of(cache(1 << 30));
    let model = sum(1, UNITS, true);
    let error = models
        .get(&reference(&model), |_| Ok(0))
        .err()
        .expect("not ready");
    assert!(error.to_string().starts_with("model mlref:"), "{error}");
    assert!(
        error
            .hint_text()
            .is_some_and(|it| it.contains("ml_ref(model)"))
    );
    let error = models
        .get(b"mlref:house", |_| Ok(0))
        .err()
        .expect("no reference");
    assert_eq!(
        error.to_string(),
        "\"mlref:house...\" is not what ml_ref() answers"
    );
    assert!(bound(&mut models, &model));
    assert!(bound(&mut models, &reference(&model)));
}
