//! redis-py against the embedded server: sync and asyncio, RESP2 and RESP3, pools, pipelines, pub/sub.

mod support;

use redis_pooltop::demo::Server;

#[tokio::test]
async fn redis_py_finds_a_redis() {
    let server = Server::start().await.expect("a server");
    let output = std::process::Command::new(support::python())
        .args(["-c", include_str!("demo_redis_py.py"), &server.addr().port().to_string()])
        .output()
        .expect("the Python that tests/run installs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "resp2 ok\nresp3 ok\n", "{errors}");
}
