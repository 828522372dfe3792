use serde::{Deserialize, Serialize};

use crate::aws::client::ServiceError;
use crate::aws::client::fleet::{AccountSettings, AssumeRole, ClientFactory, FactoryOptions};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    id: String,
}

/// Things, of which a list shows those that its place names.
pub struct Things;

impl Collection for Things {
    type Item = Thing;
    type Detail = &'static str;

    const NAME: &'static str = "things";
    const IN_SPACE: bool = true;

    fn kind() -> &'static str {
        "Thing"
    }

    fn id(item: &Thing) -> &str {
        &item.id
    }

    fn updated_at(_: &Thing) -> Option<jiff::Timestamp> {
        None
    }

    fn keys(_: &Thing) -> Vec<Value> {
        Vec::new()
    }

    async fn list(_: &Client, place: &str) -> Result<Vec<Thing>, aws::Error> {
        if place == DENIED {
            return Err(denied());
        }
        Ok(place.split_whitespace().map(thing).collect())
    }

    async fn get(_: &Client, _: &str, _: &str) -> Result<(Thing, &'static str), aws::Error> {
        Err(denied())
    }
}

/// A place where AWS refuses to list.
const DENIED: &str = "denied";

fn denied() -> aws::Error {
    aws::Error::Service(Box::new(ServiceError {
        operation: "ListThings",
        code: ErrorCode::AccessDenied,
        genuine: true,
        status: 403,
        message: String::new(),
        fields: Vec::new(),
        reason: None,
        request_id: None,
    }))
}

fn thing(id: &str) -> Thing {
    Thing { id: id.to_owned() }
}

/// Clients that call nobody.
pub async fn factory() -> ClientFactory {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = FactoryOptions { region: Some("us-east-1".to_owned()), ..FactoryOptions::default() };
    ClientFactory::load(options).await.unwrap()
}

/// The client of the AWSAccount `key` with this role.
pub async fn client(factory: &ClientFactory, key: &str, account: &str, role: &str) -> Client {
    let role_arn = format!("arn:aws:iam::{account}:role/{role}");
    let settings = AccountSettings {
        key: key.to_owned(),
        assume_role: Some(AssumeRole { role_arn, ..AssumeRole::default() }),
        requests_per_second: Some(20.0),
        ..AccountSettings::default()
    };
    factory.client(&settings).await.unwrap()
}

/// A slot, two clients with different roles, and the time.
struct World {
    slot: Slot,
    clock: Clock,
    clients: [Client; 2],
}

impl World {
    async fn new() -> Self {
        let factory = factory().await;
        let one = client(&factory, "one", "111111111111", "one").await;
        let other = client(&factory, "other", "111111111111", "other").await;
        Self { slot: Slot::default(), clock: Clock::default(), clients: [one, other] }
    }

    fn viewer(&self, of: usize) -> Viewer {
        self.clients[of].principal()
    }

    async fn list(&self, of: usize, shown: &str) -> Result<Vec<News>, aws::Error> {
        self.slot.refresh::<Things>(&self.clock, &self.clients[of], shown, self.clock.now()).await
    }

    fn known(&self, of: usize, id: &str) -> Known<Things> {
        self.slot.by_id(self.viewer(of), id, 1, 1, self.clock.now())
    }

    fn read(&self, of: usize, id: &str, detail: &'static str) {
        self.slot.confirmed::<Things>(self.viewer(of), id, Some((&thing(id), &detail)), self.clock.now());
    }

    fn detail(&self, of: usize, id: &str) -> Option<&'static str> {
        self.slot.detail(self.viewer(of), id).map(|(detail, _)| detail)
    }

    fn turn(&self) -> Option<Viewer> {
        self.slot.lister(1, 1, |_| true)
    }
}

#[tokio::test]
async fn what_one_was_shown_another_reads_for_itself() {
    let world = World::new().await;
    assert!(matches!(world.known(0, "a"), Known::List));
    assert!(world.list(0, "a b").await.unwrap().is_empty(), "nothing was known before");
    assert!(matches!(world.known(0, "a"), Known::Item(..)));
    assert!(
        matches!(world.known(1, "a"), Known::Ask),
        "another's list is no evidence, and one read is enough"
    );
    world.read(0, "a", "tags of one");
    assert_eq!((world.detail(0, "a"), world.detail(1, "a")), (Some("tags of one"), None));
    world.read(1, "a", "tags of the other");
    assert!(matches!(world.known(1, "a"), Known::Item(..)));
    assert_eq!(
        (world.detail(0, "a"), world.detail(1, "a")),
        (Some("tags of one"), Some("tags of the other"))
    );
    let found = |of: usize| world.slot.all::<Things>(world.viewer(of), None, 1, world.clock.now());
    assert!(found(1).is_none(), "whether there are others, only a list of its own tells");
    assert_eq!(found(0).unwrap().len(), 2);
    world.slot.forget(world.viewer(1));
    assert!(matches!(world.known(1, "a"), Known::Ask) && world.detail(1, "a").is_none());
    assert!(matches!(world.known(0, "a"), Known::Item(..)) && world.detail(0, "a").is_some());
}

#[tokio::test]
async fn those_who_ask_for_it_list_it_in_turn_but_not_who_was_refused() {
    let world = World::new().await;
    assert_eq!(world.turn(), None, "nobody asks for it");
    for of in 0..2 {
        let _ = world.known(of, "a");
    }
    for of in [0, 1, 0] {
        assert_eq!(world.turn(), Some(world.viewer(of)));
        world.list(of, "a").await.unwrap();
    }
    assert!(world.list(1, DENIED).await.is_err());
    assert_eq!(world.turn(), Some(world.viewer(0)));
    world.list(0, "a").await.unwrap();
    assert_eq!(world.turn(), Some(world.viewer(0)));
    assert!(world.list(0, DENIED).await.is_err());
    assert_eq!(world.turn(), None);
    assert!(matches!(world.known(0, "new"), Known::Ask), "only a read tells");
    let later = world.clock.now();
    assert_eq!(
        world.slot.lister(1, later, |_| true),
        Some(world.viewer(1)),
        "it is tried again after a while"
    );
    assert_eq!(world.slot.lister(1, later, |viewer| viewer == world.viewer(0)), Some(world.viewer(0)));
    world.list(1, "a").await.unwrap();
    assert_eq!(world.turn(), Some(world.viewer(1)));
}
