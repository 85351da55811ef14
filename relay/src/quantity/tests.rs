//! What people write, and what they get.

use super::*;

#[test]
fn durations_read_in_every_spelling() {
    for (text, ns) in [
        ("25 ms", 25_000_000),
        ("25ms", 25_000_000),
        ("2 s", 2_000_000_000),
        ("1.5 s", 1_500_000_000),
        ("T#2s", 2_000_000_000),
        ("t#2s500ms", 2_500_000_000),
        ("TIME#1h_30m", 5_400_000_000_000),
        ("LTIME#7ns", 7),
        ("1 min 30 s", 90_000_000_000),
        ("1_000 us", 1_000_000),
        ("3 µs", 3_000),
        ("2 d", 172_800_000_000_000),
        ("0 ms", 0),
    ] {
        assert_eq!(text.parse::<Duration>().map(|d| d.ns), Ok(ns), "{text}");
    }
}

#[test]
fn each_mistake_is_named() {
    let message = |text: &str| text.parse::<Duration>().unwrap_err().to_string();
    assert_eq!(message("25"), "`25` has no unit; write it like `25 ms`");
    assert_eq!(message("ms"), "`ms` does not begin with a number; write it like `25 ms`");
    assert_eq!(message(""), "`` does not begin with a number; write it like `25 ms`");
    assert_eq!(
        message("25 mA"),
        "`ma` in `25 mA` is not a unit known here; use one of d, h, min (or m), s, ms, us, ns"
    );
    assert_eq!(message("0.5 ns"), "`0.5 ns` is finer than 1 ns, the smallest step kept; write fewer decimals");
    assert_eq!(message("-1 s"), "`-1 s` is out of range; it must be between 0 and 292 years");
    assert_eq!(message("999999999 d"), "`999999999 d` is out of range; it must be between 0 and 292 years");
    assert!(message("1 s nonsense").contains("does not begin with a number"));
    assert_eq!(message("1..5 s"), "`1..5 s` does not begin with a number; write it like `25 ms`");
    assert!(message("12345678901234567890 s").contains("does not begin with a number"));
}

#[test]
fn electrical_quantities_keep_their_kind_and_print_back() {
    for (text, printed) in
        [("36 VDC", "36 VDC"), ("250VAC", "250 VAC"), ("1 V", "1 V"), ("4 kV", "4000 V"), ("25.2 V DC", "25.2 VDC")]
    {
        assert_eq!(text.parse::<Voltage>().unwrap().to_string(), printed, "{text}");
    }
    for (text, printed) in [("10.1 mA", "10.1 mA"), ("5 A", "5 A"), ("1500 mA", "1.5 A"), ("1 uA", "0.001 mA")] {
        assert_eq!(text.parse::<Current>().unwrap().to_string(), printed, "{text}");
    }
    for (text, printed) in [("1250 VA", "1250 VA"), ("1 mW", "1 mW"), ("1.5 W", "1.5 W")] {
        assert_eq!(text.parse::<Power>().unwrap().to_string(), printed, "{text}");
    }
    assert_eq!("-40 degC".parse::<Temperature>().unwrap().to_string(), "-40 degC");
    assert_eq!("-0.5 °C".parse::<Temperature>().unwrap().to_string(), "-0.5 degC");
    assert_eq!("-30 %".parse::<Percent>().unwrap().hundredths, -3_000);
    assert_eq!("6 /min".parse::<PerMinute>().unwrap().operations, 6);
    assert!("5 V".parse::<Current>().is_err());
    assert!("-5 A".parse::<Current>().is_err());
    assert!("0.5 /min".parse::<PerMinute>().is_err());
    assert!("-300 degC".parse::<Temperature>().is_err());
}

#[test]
fn quantities_survive_yaml() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        time: Duration,
        voltage: Voltage,
        share: Percent,
    }
    let all: All = serde_yaml::from_str("time: T#2s500ms\nvoltage: 24 VDC\nshare: -12.5 %\n").unwrap();
    assert_eq!(all, serde_yaml::from_str(&serde_yaml::to_string(&all).unwrap()).unwrap());
    let error = serde_yaml::from_str::<All>("time: 25\nvoltage: 24 VDC\nshare: 1 %\n").unwrap_err().to_string();
    assert!(error.contains("no unit") && error.contains("25 ms"), "{error}");
}

proptest::proptest! {
    #[test]
    fn printing_and_reading_agree(ns in 0_u64..=i64::MAX.unsigned_abs(), milli in 0_u64..1_000_000_000, celsius in -273_150_i32..1_000_000) {
        let time = Duration::from_ns(ns);
        proptest::prop_assert_eq!(time.to_string().parse(), Ok(time));
        for kind in [VoltageKind::Ac, VoltageKind::Dc, VoltageKind::Unspecified] {
            let voltage = Voltage { millivolts: milli, kind };
            proptest::prop_assert_eq!(voltage.to_string().parse(), Ok(voltage));
        }
        let current = Current { microamps: milli };
        proptest::prop_assert_eq!(current.to_string().parse(), Ok(current));
        let temperature = Temperature { millicelsius: celsius };
        proptest::prop_assert_eq!(temperature.to_string().parse(), Ok(temperature));
    }

    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = text.parse::<Duration>();
        let _ = text.parse::<Voltage>();
        let _ = text.parse::<Temperature>();
        let _ = text.parse::<PerMinute>();
    }
}
