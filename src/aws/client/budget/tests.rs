use std::collections::BTreeMap;

use super::*;

fn edit(namespace: &str) -> Caller {
    Caller { priority: Priority::Edit, namespace: namespace.into(), ceiling: None }
}

fn periodic(namespace: &str) -> Caller {
    Caller { priority: Priority::Periodic, ..edit(namespace) }
}

fn pending(namespace: &str) -> Caller {
    Caller { priority: Priority::Pending, ..edit(namespace) }
}

async fn drain(budget: &Budget) {
    while budget.level().tokens >= 1.0 {
        budget.acquire(0, &edit("drain")).await;
    }
}

/// Callers that ask again as soon as they have had a turn: how many turns each gets in this many seconds.
async fn turns(budget: Budget, seconds: u64, callers: &[(&str, usize, Caller)]) -> BTreeMap<String, u32> {
    let budget = Arc::new(budget);
    drain(&budget).await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for (name, number, caller) in callers {
        for _ in 0..*number {
            let (budget, caller, name) = (Arc::clone(&budget), caller.clone(), (*name).to_owned());
            tasks.push(tokio::spawn(async move {
                let mut had = 0;
                while tokio::time::timeout_at(end, budget.acquire(0, &caller)).await.is_ok() {
                    had += 1;
                }
                (name, had)
            }));
        }
    }
    let mut sum = BTreeMap::new();
    for task in tasks {
        let (name, had) = task.await.unwrap();
        *sum.entry(name).or_default() += had;
    }
    let state = budget.0.state();
    assert!(state.waiting.is_empty(), "nothing is kept of those who left");
    sum
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
    let budget = Budget::new(10.0);
    let start = Instant::now();
    for _ in 0..20 {
        budget.acquire(0, &periodic("a")).await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    for _ in 0..10 {
        budget.acquire(0, &edit("a")).await;
    }
    let taken = start.elapsed().as_secs_f64();
    assert!((1.0..1.1).contains(&taken), "{taken}");
}

#[tokio::test(start_paused = true)]
async fn a_throttle_halves_the_rate_once_a_second_and_it_grows_back() {
    let budget = Budget::new(10.0);
    budget.throttled();
    budget.throttled();
    assert!((budget.level().rate - 5.0).abs() < 1e-9);
    assert!(budget.level().tokens < 1.0);
    tokio::time::advance(Duration::from_secs(1)).await;
    budget.throttled();
    assert!(budget.level().rate < 2.7);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!((budget.level().rate - 10.0).abs() < 1e-9);
    for _ in 0..100 {
        tokio::time::advance(COOLDOWN).await;
        budget.throttled();
    }
    assert!(budget.level().rate >= 0.5);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_edit_goes_before_waiting_periodic_checks() {
    let budget = Arc::new(Budget::new(1.0));
    drain(&budget).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (name, caller) in
        [("check 1", periodic("a")), ("check 2", periodic("a")), ("edit 1", edit("a")), ("edit 2", edit("a"))]
    {
        let (budget, order) = (Arc::clone(&budget), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            budget.acquire(0, &caller).await;
            order.lock().unwrap().push(name);
        }));
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["edit 1", "edit 2", "check 1", "check 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_alone_has_the_whole_rate() {
    for caller in [edit("a"), periodic("a")] {
        let had = turns(Budget::new(20.0), 60, &[("a", 50, caller)]).await;
        assert!((1140..=1201).contains(&had["a"]), "{had:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn namespaces_share_the_rate_however_much_each_wants() {
    let callers = [("flood", 1500, edit("flood")), ("one", 8, edit("one")), ("two", 8, edit("two"))];
    let had = turns(Budget::new(20.0), 60, &callers).await;
    assert!(had.values().all(|had| (395..=405).contains(had)), "{had:?}");
    // What one doesn't use, the others get.
    let callers = [("flood", 1500, edit("flood")), ("other", 1, edit("other"))];
    let had = turns(Budget::new(20.0), 60, &callers).await;
    assert!(had.values().sum::<u32>() >= 1140, "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_delays_the_first_call_of_another_by_one_turn() {
    let budget = Arc::new(Budget::new(10.0));
    drain(&budget).await;
    for _ in 0..1500 {
        let budget = Arc::clone(&budget);
        tokio::spawn(async move { budget.acquire(0, &edit("flood")).await });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let start = Instant::now();
    budget.acquire(0, &edit("other")).await;
    assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn endless_edits_leave_periodic_checks_their_share() {
    let callers =
        [("edits", 100, edit("flood")), ("own", 5, periodic("flood")), ("others", 5, periodic("other"))];
    let had = turns(Budget::new(20.0), 60, &callers).await;
    assert!((950..=970).contains(&had["edits"]), "{had:?}");
    assert!((115..=125).contains(&had["own"]) && (115..=125).contains(&had["others"]), "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn retries_come_after_edits_and_before_checks_and_none_starves() {
    let broken = ("retries", 5000, pending("broken"));
    let callers = [("edits", 50, edit("edited")), broken.clone(), ("checks", 50, periodic("checked"))];
    let had = turns(Budget::new(20.0), 60, &callers).await;
    assert!((580..=610).contains(&had["edits"]), "{had:?}");
    assert!((350..=370).contains(&had["retries"]), "{had:?}");
    assert!((230..=250).contains(&had["checks"]), "{had:?}");
    // Nobody edits: the checks have no more than their share, and within the retries namespaces are equal.
    let callers = [broken, ("other", 8, pending("other")), ("checks", 50, periodic("checked"))];
    let had = turns(Budget::new(20.0), 60, &callers).await;
    assert!((230..=250).contains(&had["checks"]), "{had:?}");
    assert!(had["retries"].abs_diff(had["other"]) <= 2, "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn another_rate_counts_at_once_also_for_who_waits() {
    let budget = Arc::new(Budget::new(0.1));
    drain(&budget).await;
    let start = Instant::now();
    let caller = edit("a");
    let faster = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        budget.set_rate(10.0);
    };
    tokio::join!(budget.acquire(0, &caller), faster);
    assert!(start.elapsed() < Duration::from_millis(1200), "{:?}", start.elapsed());
    budget.throttled();
    budget.set_rate(20.0);
    let level = budget.level();
    assert!((level.rate - 10.0).abs() < 1e-9 && (level.limit - 20.0).abs() < 1e-9, "still half: {level:?}");
    budget.set_rate(f64::NAN);
    assert!((budget.level().limit - 20.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_ceiling_holds_its_namespace_and_nobody_else() {
    let capped = Caller { ceiling: Some(2.0), ..edit("capped") };
    let callers = [("capped", 100, capped.clone()), ("free", 20, edit("free"))];
    let had = turns(Budget::new(20.0), 60, &callers).await;
    assert!((120..=126).contains(&had["capped"]), "{had:?}");
    assert!((1020..=1081).contains(&had["free"]), "{had:?}");
    let had = turns(Budget::new(20.0), 60, &[("capped", 100, capped)]).await;
    assert!((120..=126).contains(&had["capped"]), "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ceiling_is_one_clients_even_in_a_budget_that_others_share() {
    let budget = Budget::new(20.0);
    let capped = Caller { ceiling: Some(2.0), ..edit("a") };
    let start = Instant::now();
    let slow = async {
        for _ in 0..14 {
            budget.acquire(1, &capped).await;
        }
        start.elapsed().as_secs_f64()
    };
    let free = async {
        let caller = edit("a");
        for _ in 0..20 {
            budget.acquire(2, &caller).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    // Four at once, and ten at two a second.
    let (slow, ()) = tokio::join!(slow, free);
    assert!((4.9..5.2).contains(&slow), "{slow}");
}

#[tokio::test(start_paused = true)]
async fn ceilings_of_namespaces_that_are_quiet_take_no_memory() {
    let budget = Budget::new(1000.0);
    for number in 0..5000 {
        let caller = Caller { ceiling: Some(1.0), ..edit(&number.to_string()) };
        budget.acquire(0, &caller).await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let kept = budget.0.state().ceilings.len();
    assert!(kept <= FEWEST_CEILINGS, "{kept}");
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_gives_up_holds_nobody_back() {
    let budget = Budget::new(1.0);
    drain(&budget).await;
    let start = Instant::now();
    let caller = edit("a");
    let edit = tokio::time::timeout(Duration::from_millis(100), budget.acquire(0, &caller));
    let other = periodic("a");
    let (given_up, _) = tokio::join!(edit, budget.acquire(0, &other));
    assert!(given_up.is_err());
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_rate_below_one_still_lets_calls_through() {
    let budget = Budget::new(0.1);
    budget.acquire(0, &edit("a")).await;
    let start = Instant::now();
    budget.acquire(0, &edit("a")).await;
    assert!(start.elapsed() < Duration::from_secs(11));
}
