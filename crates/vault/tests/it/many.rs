//! Ten thousand credentials end in the same moment.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use vault::Vault;

use crate::{
    provider::HOUR,
    world::{World, get},
};

const CONNECTIONS: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_are_renewed_and_no_provider_is_stormed() {
    let world = World::sqlite().await;
    let vault = world.node();
    let connect = |number: usize| {
        let (world, vault) = (&world, &vault);
        async move { drop(world.connect(vault, &number.to_string()).await) }
    };
    stream::iter((0..CONNECTIONS).map(connect)).buffer_unordered(256).collect::<Vec<_>>().await;
    world.clock.pass(HOUR);
    let began = Instant::now();
    renew_all(&vault).await;
    println!("{CONNECTIONS} credentials renewed in {} ms", began.elapsed().as_millis());
    assert_eq!(world.provider.all_calls() as usize, CONNECTIONS);
    let most = world.provider.most_in_flight() as usize;
    assert!((2..=world.refresh.at_once).contains(&most), "{most} at once");
}

async fn renew_all(vault: &Vault) {
    let calls = (0..CONNECTIONS).map(|number| {
        let vault = vault.clone();
        tokio::spawn(async move {
            get(&vault, &number.to_string()).await.map(|credential| credential.generation())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), Ok(2));
    }
}
