//! What follows a failure.

use serde_json::json;
use testkit::receiver::Receiver;

use crate::gateway::Gateway;

#[tokio::test]
async fn a_failing_endpoint_is_retried_until_it_answers() {
    let receiver = Receiver::replying([500, 503, 204]).start().await;
    let gateway = Gateway::new().retry(["1s", "5s"]).start().await;
    let project = gateway.project("acme").await.endpoint(receiver.url()).await;

    project.send("invoice.paid", json!({ "id": 7 })).await;
    gateway.advance("7s").await;

    assert_eq!(receiver.statuses(), [500, 503, 204]);
    assert_eq!(project.only_delivery().await["status"], "delivered");
}
