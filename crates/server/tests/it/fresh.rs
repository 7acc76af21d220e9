//! What the binary prints stands in the repository as it prints it.

use std::path::Path;

use testkit::process::Process;

async fn printed(words: &[&str]) -> String {
    let mut process = Process::start(env!("CARGO_BIN_EXE_posthaste"), words, &[]);
    assert_eq!(process.ended().await.code(), Some(0), "{}", process.errors());
    process.output()
}

async fn is_fresh(file: &str, words: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}; `make fresh` makes it"));
    let printed = printed(words).await;
    let differs = kept.lines().zip(printed.lines()).position(|(kept, printed)| kept != printed);
    assert_eq!(differs.map(|line| line + 1), None, "{file} is stale from this line on; `make fresh` renews it");
    assert_eq!(kept.trim_end(), printed.trim_end(), "{file} is stale; `make fresh` renews it");
}

#[tokio::test]
async fn openapi_json_is_what_the_program_prints() {
    is_fresh("openapi.json", &["openapi"]).await;
}

#[tokio::test]
async fn config_example_toml_is_what_the_program_prints() {
    is_fresh("config.example.toml", &["config", "print"]).await;
}

#[tokio::test]
async fn the_example_configuration_is_a_valid_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config.example.toml");
    let words = ["config", "check", "--config", path.to_str().expect("the path is UTF-8")];
    printed(&words).await;
}

#[tokio::test]
async fn the_program_serves_the_document_that_it_prints() {
    // Which URLs fit is as the server permits.
    let strict = |config: &mut server::config::Config| config.network.policy = model::network::Policy::default();
    let gateway = crate::gateway::Gateway::new().configured(strict).start().await;
    let served = testkit::http::Http::new(gateway.url()).get("/openapi.json").await.expect(200);
    let printed: serde_json::Value = serde_json::from_str(&printed(&["openapi"]).await).expect("it prints JSON");
    for part in ["openapi", "info", "paths", "components"] {
        assert_eq!(served[part], printed[part], "{part}");
    }
}
