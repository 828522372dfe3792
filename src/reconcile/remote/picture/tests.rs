use crate::aws::client::fleet::ClientFactory;

use super::super::slot::tests::{Things, client, factory};
use super::*;

const ONE: &str = "111111111111";

fn pictures() -> Pictures {
    Pictures::new(Settings { refresh: Duration::from_mins(1), details: Duration::from_mins(10) })
}

/// What an object of the AWSAccount `name` looks into, if it has this role.
async fn look(
    pictures: &Pictures,
    factory: &ClientFactory,
    name: &str,
    account: &str,
    role: &str,
) -> (Client, Arc<Picture>) {
    let client = client(factory, name, account, role).await;
    let picture = pictures.of(name, &client, client.place().await.as_ref());
    (client, picture)
}

/// Lists a collection as a pass would that asks for it.
async fn list(client: &Client, picture: &Picture, shown: &str) {
    let slot = picture.slot::<Things>("place");
    let _ = slot.by_id::<Things>(client.principal(), "a", 1, 1, picture.clock.now());
    slot.refresh::<Things>(&picture.clock, client, shown, picture.clock.now()).await.unwrap();
}

/// How many things a search of the client finds.
fn found(client: &Client, picture: &Picture) -> Option<usize> {
    let slot = picture.slot::<Things>("place");
    Some(slot.all::<Things>(client.principal(), None, 1, picture.clock.now())?.len())
}

#[tokio::test]
async fn awsaccounts_of_one_account_and_region_look_into_one_picture() {
    let (pictures, factory) = (pictures(), factory().await);
    let (_, first) = look(&pictures, &factory, "a", ONE, "a").await;
    let (_, same) = look(&pictures, &factory, "b", ONE, "b").await;
    assert!(Arc::ptr_eq(&first, &same));
    let (_, other) = look(&pictures, &factory, "c", "222222222222", "a").await;
    assert!(!Arc::ptr_eq(&first, &other));
    assert_eq!(pictures.all().len(), 2, "one round each");

    // Where the account isn't known yet, each has its own; the first of a place brings that.
    let unknown = client(&factory, "d", "333333333333", "d").await;
    let place = unknown.place().await;
    let own = pictures.of("d", &unknown, None);
    assert!(Arc::ptr_eq(&own, &pictures.of("d", &unknown, None)));
    assert!(Arc::ptr_eq(&own, &pictures.of("d", &unknown, place.as_ref())));
    let late = client(&factory, "e", "333333333333", "e").await;
    assert!(!Arc::ptr_eq(&own, &pictures.of("e", &late, None)));
    assert!(Arc::ptr_eq(&own, &pictures.of("e", &late, place.as_ref())));
}

#[tokio::test]
async fn who_gets_other_credentials_or_goes_takes_away_what_only_it_was_shown() {
    let (pictures, factory) = (pictures(), factory().await);
    let (a, picture) = look(&pictures, &factory, "a", ONE, "a").await;
    let (b, _) = look(&pictures, &factory, "b", ONE, "b").await;
    let (same, _) = look(&pictures, &factory, "same", ONE, "b").await;
    list(&a, &picture, "a").await;
    list(&b, &picture, "a b").await;
    assert_eq!((found(&a, &picture), found(&same, &picture)), (Some(2), Some(2)), "one of them by hearsay");
    let slot = picture.slot::<Things>("place");
    assert_eq!(picture.lister(&slot).unwrap().principal(), a.principal());

    // Another AWSAccount still has the role.
    let (changed, moved) = look(&pictures, &factory, "b", "222222222222", "b").await;
    assert!(!Arc::ptr_eq(&moved, &picture));
    assert_eq!((found(&same, &picture), found(&changed, &moved)), (Some(2), None));
    pictures.retain(|name| name != "same");
    assert_eq!((found(&same, &picture), found(&a, &picture)), (None, Some(1)));
    list(&a, &picture, "a").await;
    assert_eq!(picture.lister(&slot).unwrap().principal(), a.principal());

    let (new, there) = look(&pictures, &factory, "a", ONE, "new").await;
    assert!(
        Arc::ptr_eq(&there, &picture) && picture.lister(&slot).is_none(),
        "its passes asked for nothing yet"
    );
    assert_eq!((found(&a, &picture), found(&new, &picture)), (None, None));
    pictures.retain(|_| false);
    assert!(picture.lister(&slot).is_none() && pictures.all().is_empty());
    drop((picture, there, moved));
    pictures.retain(|_| false);
    assert!(lock(&pictures.accounts).shared.is_empty(), "nothing is kept");
}

#[tokio::test(start_paused = true)]
async fn what_is_due_by_age_alone_waits_for_its_share_but_not_for_ever() {
    let (pictures, factory) = (pictures(), factory().await);
    let (client, picture) = look(&pictures, &factory, "a", ONE, "a").await;
    let read = picture.clock.now();
    tokio::time::advance(Duration::from_mins(9)).await;
    assert!(picture.is_recent(read, &client));
    tokio::time::advance(Duration::from_mins(2)).await;
    let due = |of: Moment| (0..1000).filter(|_| !picture.is_recent(of, &client)).count();
    // A tenth of 20 a second: those of ten seconds at once, and then two a second.
    assert_eq!(due(read), 20);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(due(read), 10);
    tokio::time::advance(Duration::from_mins(50)).await;
    assert_eq!(due(read), 1000);
}
