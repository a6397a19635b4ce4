use super::*;
use crate::ErrorKind;

fn logs(epoch: u32, val_loss: f64) -> EpochLogs {
    EpochLogs {
        epoch,
        seconds: 0.0,
        loss: 1.0,
        val_loss: Some(val_loss),
        metrics: vec![],
        val_metrics: vec![("auc".into(), val_loss)],
    }
}

const LOGGED: Logged<'_> = Logged {
    metrics: &[("auc", true)],
    validation: true,
};

fn verdicts(callback: &impl Kind, values: &[f64]) -> Vec<Verdict> {
    let mut work = callback.begin(&LOGGED).unwrap();
    let values = values.iter().enumerate();
    values
        .map(|(i, &value)| work.on_epoch_end(&logs(i as u32 + 1, value), 0.1))
        .collect()
}

fn refused(text: &str) -> (String, String) {
    let error = FitCallback::parse_list(text).expect_err("refused");
    let hint = error.hint_text().unwrap_or_default().to_owned();
    (error.to_string(), hint)
}

#[test]
fn reads_all_forms() {
    let one = vec![FitCallback::from(EarlyStopping {
        patience: 3,
        restore_best_weights: true,
        ..EarlyStopping::default()
    })];
    for text in [
        r#"[{"EarlyStopping": {"patience": 3, "restore_best_weights": true}}]"#,
        r#"{"class_name": "EarlyStopping", "config": {"patience": 3, "restore_best_weights": true, "verbose": 1}}"#,
    ] {
        assert_eq!(FitCallback::parse_list(text).unwrap(), one);
    }
    assert_eq!(FitCallback::parse_list("[]").unwrap(), vec![]);
    let all = r#"["EarlyStopping", {"EarlyStopping": {"baseline": 0.5}}, "ReduceLROnPlateau", "terminate_on_nan",
        {"ModelCheckpoint": {"filepath": "best.keras", "save_best_only": true, "initial_value_threshold": 1}},
        {"LearningRateScheduler": {"schedule": {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 9}}}}]"#;
    let all = FitCallback::parse_list(all).unwrap();
    assert_eq!(all[0], EarlyStopping::default().into());
    assert_eq!(all.iter().filter(|it| it.keeps_weights()).count(), 2);
    let json = Value::Array(all.iter().map(FitCallback::to_json).collect());
    assert_eq!(FitCallback::parse_list(&json.to_string()).unwrap(), all);
}

/// The bytes of training states depend on it.
#[test]
fn writes_what_0_1_0_wrote() {
    let stopping = FitCallback::from(EarlyStopping::default());
    let json = json!({"EarlyStopping": {
        "monitor": null, "min_delta": 0.0, "patience": 0, "mode": "auto", "restore_best_weights": false,
        "start_from_epoch": 0, "learning_rate_cuts": 0,
    }});
    assert_eq!(stopping.to_json(), json);
}

#[test]
fn refuses_the_rest_by_name() {
    let (message, hint) = refused("ReduceLROnPlato");
    assert_eq!(message, "unknown callback \"ReduceLROnPlato\"");
    assert!(hint.starts_with("Did you mean \"ReduceLROnPlateau\"?"));
    let (message, hint) = refused(r#"{"EarlyStopping": {"patients": 3}}"#);
    assert_eq!(message, "unknown setting \"patients\" of EarlyStopping");
    assert!(hint.starts_with("Did you mean \"patience\"?"));
    let (message, _) = refused(r#"{"ReduceLROnPlateau": {"factor": 1}}"#);
    assert_eq!(
        message,
        "factor of ReduceLROnPlateau must be greater than 0 and less than 1, not 1"
    );
    let (message, hint) = refused("LearningRateScheduler");
    assert_eq!(message, "LearningRateScheduler needs a schedule");
    assert!(hint.contains("ExponentialDecay"));
    let error = FitCallback::parse_list(r#"{"ModelCheckpoint": {"save_freq": 100}}"#).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

#[test]
fn one_learning_rate_is_changed_in_one_way() {
    let scheduled = r#"{"sgd": {"learning_rate": {"CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 9}}}}"#;
    let check = |callbacks: &str, optimizer: &str| {
        let callbacks = FitCallback::parse_list(callbacks).unwrap();
        let optimizer = Optimizer::parse(optimizer).unwrap();
        FitCallback::check(&callbacks, Some(&optimizer)).map_err(|error| error.to_string())
    };
    assert_eq!(check("ReduceLROnPlateau", "sgd"), Ok(()));
    assert_eq!(check("EarlyStopping", scheduled), Ok(()));
    assert_eq!(
        check("ReduceLROnPlateau", scheduled),
        Err("ReduceLROnPlateau cannot change a learning rate that follows a schedule".into())
    );
    let both = r#"["ReduceLROnPlateau", {"EarlyStopping": {"learning_rate_cuts": 1}}]"#;
    assert!(
        check(both, "sgd")
            .unwrap_err()
            .starts_with("learning_rate_cuts of EarlyStopping")
    );
}

#[test]
fn stops_when_keras_stops() {
    use Verdict::{Keep, Nothing, Stop};
    let stopping = EarlyStopping {
        patience: 2,
        ..EarlyStopping::default()
    };
    assert_eq!(
        verdicts(&stopping, &[1.0, 0.8, 0.9, 0.7, 0.75, 0.71]),
        [Keep, Keep, Nothing, Keep, Nothing, Stop]
    );
    let auc = EarlyStopping {
        monitor: Some("val_auc".into()),
        ..EarlyStopping::default()
    };
    assert_eq!(verdicts(&auc, &[0.5, 0.6, 0.55]), [Keep, Keep, Stop]);
    // What is better than before but not than the baseline does not restart the patience.
    let baseline = EarlyStopping {
        patience: 3,
        baseline: Some(0.5),
        ..EarlyStopping::default()
    };
    assert_eq!(
        verdicts(&baseline, &[1.0, 0.8, 0.7, 0.9]),
        [Keep, Keep, Keep, Stop]
    );
    assert_eq!(
        verdicts(&baseline, &[1.0, 0.4, 0.45, 0.45, 0.45]),
        [Keep, Keep, Nothing, Nothing, Stop]
    );
}

#[test]
fn cuts_before_it_stops() {
    use Verdict::{Cut, Keep, Nothing, Stop};
    let settings = EarlyStopping {
        patience: 2,
        learning_rate_cuts: 1,
        ..EarlyStopping::default()
    };
    assert_eq!(
        verdicts(&settings, &[1.0, 1.1, 1.2, 1.3, 0.9, 1.0, 1.0]),
        [Keep, Nothing, Cut, Nothing, Keep, Nothing, Stop]
    );
}

#[test]
fn lowers_the_rate_when_keras_does() {
    use Verdict::{Nothing, Rate};
    let reduce = ReduceLROnPlateau {
        factor: 0.5,
        patience: 1,
        cooldown: 2,
        min_lr: 0.06,
        ..ReduceLROnPlateau::default()
    };
    assert_eq!(
        verdicts(&reduce, &[1.0, 1.0, 1.0, 1.0, 1.0]),
        [Nothing, Rate(0.06), Nothing, Rate(0.06), Nothing]
    );
    let lowest = ReduceLROnPlateau {
        min_lr: 0.1,
        ..reduce
    };
    assert_eq!(verdicts(&lowest, &[1.0; 9]), [Nothing; 9]);
}

#[test]
fn keeps_the_best_of_what_is_better_than_a_threshold() {
    use Verdict::{Keep, Nothing};
    let checkpoint = ModelCheckpoint {
        save_best_only: true,
        initial_value_threshold: Some(0.9),
        ..ModelCheckpoint::default()
    };
    assert_eq!(
        verdicts(&checkpoint, &[1.0, 0.8, f64::NAN, 0.85, 0.7]),
        [Nothing, Keep, Nothing, Nothing, Keep]
    );
}

#[test]
fn refuses_a_monitor_that_is_not_logged() {
    let settings = EarlyStopping {
        monitor: Some("val_los".into()),
        ..EarlyStopping::default()
    };
    let error = settings.begin(&LOGGED).err().expect("refused");
    assert!(
        error
            .hint_text()
            .unwrap()
            .contains("Did you mean \"val_loss\"?")
    );
    let settings = ReduceLROnPlateau {
        monitor: Some("val_loss".into()),
        ..ReduceLROnPlateau::default()
    };
    let blind = Logged {
        validation: false,
        ..LOGGED
    };
    let error = settings.begin(&blind).err().expect("refused");
    assert_eq!(
        error.to_string(),
        "ReduceLROnPlateau cannot monitor \"val_loss\" without validation rows"
    );
}
