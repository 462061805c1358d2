//! temp
#![allow(clippy::all, clippy::disallowed_methods)]
use std::time::Instant;
use std::sync::Arc;
use keyward_engine::ports::*;
use keyward_engine::change::KeyChange;
use super::*;
use crate::conformance::fixtures::*;
use sqlx::query;

#[tokio::test]
#[ignore]
async fn speed() {
    let dir = tempfile::tempdir_in("/work").unwrap();
    let t = Instant::now();
    let store = make(dir.path()).await.unwrap();
    println!("create {:?}", t.elapsed());
    store.ensure_user(&user(OWNER)).await.unwrap();
    let n = 1_000_000i64;
    let t = Instant::now();
    query("INSERT INTO api_keys (id, owner, name, prefix, digest, mode, allowed_ips, created_at) WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) SELECT 'key_'||n, 'user_owner', 'name', 'kw_live_abcd', randomblob(32), 'live', '[]', n FROM n").bind(n).execute(&store.writer.pool).await.unwrap();
    println!("fill {:?}", t.elapsed());
    store.close().await.unwrap();
    drop(store);
    let t = Instant::now();
    let store = Arc::new(make(dir.path()).await.unwrap());
    println!("open {:?} {} MB", t.elapsed(), database(dir.path()).metadata().unwrap().len() / 1_000_000);
    let t = Instant::now();
    store.identity().await.unwrap();
    println!("first read {:?}", t.elapsed());
    for i in 0..2000i64 { store.insert_api_key(&key(&format!("k{i}"), OWNER, 5_000_000+i)).await.unwrap(); if i == 0 {println!("1 insert") } }
    let digests: Vec<_> = (0..2000).map(|i| keyward_core::digest::ApiKeyDigest::of(format!("k{i}").as_bytes())).collect();
    for _ in 0..2 {
    let t = Instant::now();
    for d in &digests { store.find(std::slice::from_ref(d)).await.unwrap(); }
    println!("find 1: {:?} each", t.elapsed() / 2000);
    let t = Instant::now();
    for d in digests.chunks(32) { store.find(d).await.unwrap(); }
    println!("find 32: {:?} per batch", t.elapsed() / 63);
    let t = Instant::now();
    let hs: Vec<_> = digests.chunks(500).map(|c| { let c = c.to_vec(); let s = store.clone(); tokio::spawn(async move { for d in c.chunks(32) { s.find(d).await.unwrap(); } }) }).collect();
    for h in hs { h.await.unwrap(); }
    println!("find 32 x4 tasks: {:?} total for 2000", t.elapsed());
    }
    let head = store.identity().await.unwrap().head;
    let t = Instant::now();
    for _ in 0..1000 { store.changes(head).await.unwrap(); }
    println!("changes (none): {:?} each", t.elapsed() / 1000);
    let t = Instant::now();
    store.changes(FeedHead { position: 0, ..head }).await.unwrap();
    println!("changes (2000): {:?}", t.elapsed());
    let t = Instant::now();
    for i in 0..300 { let c = if i % 2 == 0 { KeyChange::Disable(at(1)) } else { KeyChange::Enable }; store.change_api_key("k1", None, &c).await.unwrap(); }
    println!("change: {:?} each", t.elapsed() / 300);
    let uses: Vec<_> = (0..2000).map(|i| Use { id: format!("k{i}").into(), at: at(i) }).collect();
    let t = Instant::now();
    store.record_uses(&uses).await.unwrap();
    println!("record_uses 2000: {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..100 { store.api_keys(None, &Page { after: Some((at(500_000), "key_500000".into())), limit: 50 }).await.unwrap(); }
    println!("page of 50: {:?}", t.elapsed() / 100);
    let t = Instant::now();
    for _ in 0..100 { store.api_keys(Some(OWNER), &Page { after: Some((at(500_000), "key_500000".into())), limit: 50 }).await.unwrap(); }
    println!("page of 50 of owner: {:?}", t.elapsed() / 100);
    let t = Instant::now();
    for _ in 0..100 { store.ping().await.unwrap(); }
    println!("ping: {:?}", t.elapsed() / 100);
    let t = Instant::now();
    store.close().await.unwrap();
    println!("close: {:?}", t.elapsed());
    let rss = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", rss.lines().find(|l| l.starts_with("VmRSS")).unwrap());
}
