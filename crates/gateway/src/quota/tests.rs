use std::borrow::Cow;

use super::*;

struct Settable(AtomicI64);

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::Relaxed))
    }
}

struct World {
    clock: Arc<Settable>,
    quotas: Quotas,
}

fn limit(per: &[Per], requests: u32) -> LimitSettings {
    LimitSettings {
        name: "limit".to_owned(),
        per: per.to_vec(),
        requests: NonZeroU32::new(requests).unwrap(),
        within: Duration::from_mins(1),
        burst: None,
        servers: Vec::new(),
        tools: None,
    }
}

fn world(limits: &[LimitSettings]) -> World {
    let clock = Arc::new(Settable(AtomicI64::new(1_800_000_000_000)));
    let as_clock: Arc<dyn Clock> = clock.clone();
    World { quotas: Quotas::new(limits, &as_clock, None), clock }
}

fn requester(user: &'static str, client: &'static str) -> Requester<'static> {
    Requester {
        issuer: "https://v.test".into(),
        subject: Cow::Borrowed(user),
        user_name: None,
        client_id: Some(Cow::Borrowed(client)),
        scope: None,
        memberships: None,
    }
}

impl World {
    /// How many of `tries` calls pass.
    fn passing(&self, tries: u32, who: (&'static str, &'static str), at: (&str, &str)) -> usize {
        let requester = requester(who.0, who.1);
        (0..tries).filter(|_| self.quotas.take(&requester, at.0, Some(at.1)).is_ok()).count()
    }

    fn advance(&self, duration: Duration) {
        self.clock.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

#[test]
fn gw_30_whoever_makes_too_many_waits_and_nobody_else() {
    let world = world(&[limit(&[Per::User], 60)]);
    assert_eq!(world.passing(100, ("ada", "c"), ("files", "get")), 60);
    assert_eq!(world.passing(100, ("bob", "c"), ("files", "get")), 60, "another user");
    assert_eq!(world.passing(100, ("ada", "other"), ("mail", "send")), 0, "the same user");
    world.advance(Duration::from_secs(3));
    assert_eq!(world.passing(100, ("ada", "c"), ("files", "get")), 3, "one a second comes back");
    let exceeded = world.quotas.take(&requester("ada", "c"), "files", None).unwrap_err();
    assert_eq!(exceeded.wait, Duration::from_secs(1));
    world.advance(Duration::from_hours(1));
    assert_eq!(world.passing(100, ("ada", "c"), ("files", "get")), 60, "never more than all at once");
}

#[test]
fn counters_are_kept_by_what_the_limit_says() {
    for (per, same, others) in [
        (vec![Per::Client], ("bob", "c", "mail", "send"), ("ada", "d", "files", "get")),
        (vec![Per::Server], ("bob", "d", "files", "put"), ("ada", "c", "mail", "get")),
        (vec![Per::Tool], ("bob", "d", "files", "GET"), ("ada", "c", "mail", "get")),
        (vec![Per::User, Per::Tool], ("ada", "d", "files", "get"), ("ada", "c", "files", "put")),
        (vec![], ("bob", "d", "mail", "put"), ("", "", "", "")),
    ] {
        let world = world(&[limit(&per, 5)]);
        assert_eq!(world.passing(9, ("ada", "c"), ("files", "get")), 5);
        let (user, client, server, tool) = same;
        assert_eq!(world.passing(9, (user, client), (server, tool)), 0, "{per:?}");
        let (user, client, server, tool) = others;
        assert_eq!(
            world.passing(9, (user, client), (server, tool)),
            if per.is_empty() { 0 } else { 5 },
            "{per:?}"
        );
    }
}

#[test]
fn a_limit_is_about_its_servers_and_tools() {
    let settings = LimitSettings {
        servers: vec!["f*".to_owned()],
        tools: Some(vec!["delete_*".to_owned()]),
        burst: NonZeroU32::new(2),
        ..limit(&[Per::User], 10)
    };
    let world = world(&[settings]);
    assert_eq!(world.passing(20, ("ada", "c"), ("files", "get")), 20);
    assert_eq!(world.passing(20, ("ada", "c"), ("mail", "delete_all")), 20);
    assert_eq!(
        world.passing(20, ("ada", "c"), ("files", "Delete_all")),
        2,
        "another spelling is the same tool"
    );
    assert!(world.quotas.take(&requester("ada", "c"), "files", None).is_ok(), "a list is no call");
}

#[test]
fn every_limit_holds_and_a_refusal_is_recorded_once_a_second() {
    let world = world(&[limit(&[Per::User], 100), LimitSettings { name: "few".to_owned(), ..limit(&[], 1) }]);
    let take = || world.quotas.take(&requester("ada", "c"), "files", Some("get"));
    assert!(take().is_ok());
    let first = take().unwrap_err();
    assert_eq!((&*first.limit, first.refusals), ("few", Some(1)));
    assert!((0..9).all(|_| take().unwrap_err().refusals.is_none()));
    world.advance(Duration::from_secs(1));
    assert_eq!(take().unwrap_err().refusals, Some(10));
}

#[test]
fn a_reload_keeps_the_counters_of_what_stays() {
    let (stays, goes) = (limit(&[Per::User], 5), LimitSettings { name: "goes".to_owned(), ..limit(&[], 5) });
    let mut world = world(&[stays.clone(), goes.clone()]);
    assert_eq!(world.passing(9, ("ada", "c"), ("files", "get")), 5);
    let clock: Arc<dyn Clock> = world.clock.clone();
    world.quotas = Quotas::new(std::slice::from_ref(&stays), &clock, Some(&world.quotas));
    assert_eq!(world.passing(9, ("ada", "c"), ("files", "get")), 0);
    let more = LimitSettings { requests: NonZeroU32::new(6).unwrap(), ..stays };
    world.quotas = Quotas::new(&[more], &clock, Some(&world.quotas));
    assert_eq!(world.passing(9, ("ada", "c"), ("files", "get")), 6);
}

#[test]
fn counters_are_bounded() {
    let world = world(&[limit(&[Per::User], 5)]);
    let limit = &world.quotas.limits[0];
    for number in 0..u32::try_from(COUNTERS).unwrap() + 5_000 {
        let subject = Cow::Owned(number.to_string());
        let requester = Requester { subject, ..requester("", "c") };
        assert!(world.quotas.take(&requester, "files", None).is_ok());
    }
    limit.counters.0.run_pending_tasks();
    assert!(limit.counters.0.entry_count() <= COUNTERS, "{}", limit.counters.0.entry_count());
}
