use super::*;
use crate::trained::{reference, sum};

/// Enough that a model takes more memory than to read its description.
const UNITS: usize = 4096;

const LARGE: u64 = 1 << 30;

fn bytes(cache: &Cache) -> u64 {
    cache.lock().bytes
}

/// What one of the small models takes in a cache.
fn size(model: &[u8]) -> u64 {
    let cache = Cache::new(LARGE, LARGE);
    cache.read(model).expect("a model");
    bytes(&cache)
}

#[test]
fn a_model_is_read_once_and_found_by_its_digest() {
    let (cache, model) = (Cache::new(LARGE, LARGE), sum(1, UNITS, true));
    let digest = Digest::of_reference(&reference(&model)).expect("a reference");
    assert!(cache.find(digest).is_none());
    let first = cache.read(&model).expect("a model");
    let again = cache.read(&model).expect("a model");
    assert!(Arc::ptr_eq(&first, &again));
    assert!(Arc::ptr_eq(&first, &cache.find(digest).expect("ready")));
    assert_eq!(first.digest(), digest);
}

#[test]
fn a_look_keeps_nothing_and_needs_no_reading_where_the_model_is_ready() {
    let (cache, model) = (Cache::new(LARGE, 1 << 20), sum(1, 8, true));
    let look = |bytes: &[u8]| {
        let looked = cache.look(bytes, |_| "ready", |_| Ok("file"));
        looked.map_err(|error| error.kind())
    };
    assert_eq!(look(&model), Ok("file"));
    assert_eq!(bytes(&cache), 0);
    assert!(cache.lock().reading.is_empty());
    assert_eq!(look(&vec![0; 2 << 20]), Err(ErrorKind::LimitExceeded));
    cache.read(&model).expect("a model");
    assert_eq!(look(&model), Ok("ready"));
}

#[test]
fn the_least_recently_used_model_leaves() {
    let models: Vec<_> = (1..4).map(|seed| sum(seed, UNITS, true)).collect();
    let limit = models.iter().take(2).map(|it| size(it)).sum::<u64>() + 500;
    let cache = Cache::new(limit, LARGE);
    let digest = |model: &[u8]| Digest::of(model);
    cache.read(&models[0]).expect("a model");
    cache.read(&models[1]).expect("a model");
    assert!(cache.find(digest(&models[0])).is_some());
    cache.read(&models[2]).expect("a model");
    assert!(cache.find(digest(&models[0])).is_some());
    assert!(cache.find(digest(&models[1])).is_none());
    assert!(cache.find(digest(&models[2])).is_some());
    assert!(bytes(&cache) <= limit);
}

#[test]
fn a_model_in_use_stays_and_counts() {
    let (first, second) = (sum(1, UNITS, true), sum(2, UNITS, true));
    let limit = size(&first) + 40_000;
    let cache = Cache::new(limit, LARGE);
    let held = cache.read(&first).expect("a model");
    let error = cache.read(&second).expect_err("no room");
    assert_eq!(error.kind(), ErrorKind::OutOfMemory);
    assert!(error.to_string().contains("models in use take"), "{error}");
    assert!(cache.find(held.digest()).is_some());
    drop(held);
    cache.read(&second).expect("room now");
    assert!(cache.find(Digest::of(&first)).is_none());
}

#[test]
fn a_model_that_never_fits_is_refused_by_the_limit_it_meets() {
    let model = sum(1, UNITS, true);
    for (limit, what) in [
        (0, "cache_size"),
        (model.len() as u64 / 2, "cache_size"),
        (size(&model) - 1, "cache_size"),
    ] {
        let error = Cache::new(limit, LARGE)
            .read(&model)
            .expect_err("too small");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{limit}: {error}");
        assert!(error.hint_text().is_some_and(|hint| hint.contains(what)));
    }
    let error = Cache::new(LARGE, 100).read(&model).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(
        error
            .hint_text()
            .is_some_and(|hint| hint.contains("max_model_size"))
    );
}

#[test]
fn damage_is_found_and_leaves_no_trace() {
    let cache = Cache::new(LARGE, LARGE);
    let model = sum(1, UNITS, true);
    for place in [0, 9, model.len() / 2, model.len() - 1] {
        let mut damaged = model.clone();
        damaged[place] ^= 1;
        let error = cache.read(&damaged).expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::Damaged, "byte {place}");
    }
    assert!(cache.read(&model[..model.len() - 1]).is_err());
    assert!(cache.read(b"").is_err());
    assert_eq!(bytes(&cache), 0);
    assert!(cache.lock().reading.is_empty());
    cache.read(&model).expect("the model itself");
}

#[test]
fn threads_that_need_one_model_share_it() {
    let (cache, model) = (Cache::new(LARGE, LARGE), sum(1, UNITS, true));
    let all: Vec<Arc<Ready>> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| cache.read(&model).expect("a model"));
        let started: Vec<_> = (0..16).map(|_| start()).collect();
        started
            .into_iter()
            .map(|it| it.join().expect("no panic"))
            .collect()
    });
    assert!(all.iter().all(|it| Arc::ptr_eq(it, &all[0])));
    assert_eq!(cache.lock().entries.len(), 1);
}

#[test]
fn a_tiny_cache_serves_many_threads_and_forgets_nothing_in_use() {
    let models: Vec<_> = (1..6).map(|seed| sum(seed, UNITS, true)).collect();
    let limit = models.iter().map(|it| size(it)).max().unwrap_or(0) * 3;
    let cache = Cache::new(limit, LARGE);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (cache, models) = (&cache, &models);
            scope.spawn(move || {
                for round in 0..30 {
                    // One model per thread is in use, so that each of three finds room.
                    let model = &models[(thread + round) % models.len()];
                    let Ok(held) = cache.read(model) else {
                        continue;
                    };
                    assert!(
                        cache
                            .find(held.digest())
                            .is_some_and(|it| Arc::ptr_eq(&it, &held))
                    );
                    assert!(bytes(cache) <= limit);
                }
            });
        }
    });
    let state = cache.lock();
    assert_eq!(
        state.bytes,
        state.entries.values().map(|it| it.bytes).sum::<u64>()
    );
    assert!(state.reading.is_empty());
}

#[test]
fn a_poisoned_lock_goes_on() {
    let (cache, model) = (Cache::new(LARGE, LARGE), sum(1, UNITS, true));
    std::thread::scope(|scope| {
        let poison = scope.spawn(|| {
            let _lock = cache.lock();
            panic!("deliberate");
        });
        assert!(poison.join().is_err());
    });
    cache.read(&model).expect("a model");
}
