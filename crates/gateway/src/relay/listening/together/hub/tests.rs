use std::future::poll_fn;

use tokio::time::{Instant, sleep};

use super::*;

fn filter(text: &str) -> SubscriptionFilter {
    serde_json::from_str(text).unwrap()
}

#[test]
fn gw_17_shared_streams_are_bounded_and_forgotten_when_they_are_left() {
    let hubs = Hubs::default();
    let about = |number: usize| filter(&format!(r#"{{"resourceSubscriptions":["a:{number}"]}}"#));
    let mut places: Vec<_> = (0..HUBS).map(|number| hubs.join(&about(number)).unwrap().0).collect();
    assert!(hubs.join(&about(HUBS)).is_none());
    let (same, is_first) = hubs.join(&about(7)).unwrap();
    assert!(!is_first && Arc::ptr_eq(same.hub(), places[7].hub()), "who is there may be joined");
    let hub = places.swap_remove(7).hub.clone();
    assert!(!hubs.forget_left(&hub), "somebody listens");
    drop(same);
    assert!(hubs.forget_left(&hub));
    assert!(hubs.join(&about(HUBS)).unwrap().1);
    let (again, is_first) = hubs.join(&about(0)).unwrap();
    assert!(!is_first);
    hubs.forget(&hub);
    assert!(hubs.hubs().contains_key(&again.hub().filter), "only the one that is meant is forgotten");
}

#[test]
fn who_leaves_a_forgotten_stream_leaves_the_one_after_it_shared() {
    let hubs = Hubs::default();
    let (former, _) = hubs.join(&filter("{}")).unwrap();
    let hub = former.hub().clone();
    hubs.forget(&hub);
    let (place, is_first) = hubs.join(&filter("{}")).unwrap();
    assert!(is_first && !Arc::ptr_eq(place.hub(), &hub));
    drop(former);
    assert!(hubs.forget_left(&hub));
    let (again, is_first) = hubs.join(&filter("{}")).unwrap();
    assert!(!is_first && Arc::ptr_eq(again.hub(), place.hub()));
}

#[tokio::test]
async fn nobody_waits_for_a_stream_that_is_over() {
    let hubs = Hubs::default();
    let (mut place, _) = hubs.join(&filter("{}")).unwrap();
    let hub = place.hub().clone();
    hub.close();
    assert!(matches!(place.opened().await, Opened::Failed(UpstreamError::Unreachable)));
    let mut next = || place.poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(next(), Poll::Ready(Some(told)) if told.is_last()));
    hub.close();
    assert!(next().is_pending(), "it is told once");
}

/// Takes one message in each `pause`, and says how many there were until it heard the last or was let go of.
async fn heard(mut place: Place, pause: Duration) -> usize {
    let mut count = 0;
    while let Some(told) = poll_fn(|context| place.poll_next(context)).await {
        count += 1;
        if told.is_last() {
            break;
        }
        sleep(pause).await;
    }
    count
}

#[tokio::test(start_paused = true)]
async fn gw_15_one_who_trickles_ends_alone() {
    const MESSAGES: usize = 500;
    let hubs = Hubs::default();
    let [(slow, _), (fast, _), (other, _)] = [(); 3].map(|()| hubs.join(&filter("{}")).unwrap());
    let hub = slow.hub().clone();
    let began = Instant::now();
    let telling = async {
        for number in 1..=MESSAGES {
            hub.room().await;
            hub.tell(if number < MESSAGES { Told::comment() } else { Told::failure("over") });
        }
    };
    let millisecond = Duration::from_millis(1);
    let trickling = heard(slow, PATIENCE * 9 / 10);
    let ((), slow, fast, other) =
        tokio::join!(telling, trickling, heard(fast, millisecond), heard(other, 10 * millisecond));
    assert_eq!((fast, other), (MESSAGES, MESSAGES), "the others hear everything");
    assert_eq!(slow, 2, "what it took while they waited once");
    assert!(began.elapsed() < 10 * PATIENCE, "{:?}", began.elapsed());
}
