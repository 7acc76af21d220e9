//! Mail to admins, taken by a real mail server.

use serde_json::{Value, json};
use server::config::Smtp;
use testkit::behaviour::Behaviour;
use testkit::certificate::Authority;
use testkit::receiver::Receiver;

use crate::gateway::{self, Gateway, Project, span, text};
use crate::postbox::Plan;

/// A gateway that mails through the server at `url`.
fn mailing(url: &str) -> gateway::Builder {
    let smtp = Smtp {
        url: Some(url.parse().expect("a mail server")),
        from: Some("Posthaste <hooks@gateway.example>".parse().expect("an address")),
    };
    Gateway::new().configured(|config| {
        config.smtp = smtp;
        config.public_url = Some("https://hooks.example.com".to_owned());
    })
}

/// A project whose admins are these.
async fn project_with<'a>(gateway: &'a Gateway, slug: &str, admins: &[&str]) -> Project<'a> {
    let project = gateway.project(slug).await;
    set_admins(gateway, slug, json!(admins)).await.expect(200);
    project
}

async fn set_admins(gateway: &Gateway, slug: &str, admins: Value) -> testkit::http::Answer {
    let projects = gateway::list(&gateway.admin(), "/v1/projects").await;
    let project = projects.iter().find(|project| project["slug"] == slug).expect("it was made");
    gateway.admin().patch(&format!("/v1/projects/{}", text(&project["id"])), &json!({ "admins": admins })).await
}

/// An endpoint that says that it is gone, to one event: the dialect `standard` disables it for that.
async fn disabled_endpoint(gateway: &Gateway, project: &Project<'_>, receiver: &Receiver) -> Value {
    let endpoint = project.register(json!({ "url": receiver.url(), "name": "Überblick 📦" })).await;
    project.send("order.created", json!({ "hush": "payload" })).await;
    gateway.advance("0s").await;
    endpoint
}

#[tokio::test]
async fn every_admin_is_mailed_when_an_endpoint_is_disabled() {
    let plan = Plan::new();
    let url = format!("smtp://{}", plan.place());
    let mut postbox = plan.open().await;
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&url).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com", "boss@example.com"]).await;
    let endpoint = disabled_endpoint(&gateway, &project, &receiver).await;
    assert_eq!(project.show(&endpoint).await["status"], "disabled");

    let (first, second) = (postbox.mail(1).await, postbox.mail(2).await);

    assert_eq!((&first.0["to"], &second.0["to"]), (&json!(["oncall@example.com"]), &json!(["boss@example.com"])));
    assert_eq!((first.header("to"), second.header("to")), ("oncall@example.com", "boss@example.com"));
    assert_ne!(first.header("message-id"), second.header("message-id"));
    assert_eq!(first.0["from"], "hooks@gateway.example");
    assert_eq!(first.header("from"), "Posthaste <hooks@gateway.example>");
    assert_eq!(first.header("subject"), "Webhook endpoint disabled: Überblick 📦 (acme)");
    assert_eq!(first.header("date"), "Mon, 05 Jan 2026 09:00:00 +0000");
    let told = first.text();
    let id = text(&endpoint["id"]);
    for part in [
        "disabled: the receiver answered 410",
        &id,
        receiver.url(),
        "Last status:    410",
        "https://hooks.example.com",
        &format!("posthaste webhooks resume {id} --project acme"),
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    for secret in ["hush", "payload", &text(&endpoint["secret"])] {
        assert!(!told.contains(secret), "{secret:?} is in\n{told}");
    }
}

#[tokio::test]
async fn mail_waits_until_the_mail_server_is_there() {
    let plan = Plan::new();
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&format!("smtp://{}", plan.place())).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    disabled_endpoint(&gateway, &project, &receiver).await;
    gateway.advance("30s").await;

    let mut postbox = plan.open().await;
    gateway.advance("29s").await;
    assert!(!postbox.heard().contains("mail"), "its time has not come");
    gateway.advance("1s").await;

    assert_eq!(postbox.mail(1).await.0["to"], json!(["oncall@example.com"]));
    gateway.advance("2d").await;
    assert!(!postbox.heard().contains("mail 2"), "once is enough");
}

#[tokio::test]
async fn an_address_that_is_refused_is_tried_again_and_costs_the_others_nothing() {
    let plan = Plan::new().refusing(["550 <ADDRESS> is unknown", "451 come again"]);
    let url = format!("smtp://{}", plan.place());
    let mut postbox = plan.open().await;
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&url).start().await;
    let admins = ["unknown@example.com", "later@example.com", "oncall@example.com"];
    let project = project_with(&gateway, "acme", &admins).await;
    disabled_endpoint(&gateway, &project, &receiver).await;

    assert_eq!(postbox.mail(1).await.0["to"], json!(["oncall@example.com"]));
    gateway.advance("1m").await;
    let (unknown, later) = (postbox.mail(2).await, postbox.mail(3).await);
    assert_eq!(unknown.0["to"], json!(["unknown@example.com"]));
    assert_eq!(later.0["to"], json!(["later@example.com"]));
    assert_eq!(later.header("date"), "Mon, 05 Jan 2026 09:00:00 +0000", "it says when it happened");
}

#[tokio::test]
async fn a_mail_that_nobody_takes_is_given_up_after_a_day() {
    let plan = Plan::new();
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&format!("smtp://{}", plan.place())).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    disabled_endpoint(&gateway, &project, &receiver).await;
    assert!(gateway.at_rest().await.is_some());

    gateway.advance("24h").await;

    assert_eq!(gateway.at_rest().await, None);
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_is_left_after_a_while() {
    let silent = Receiver::behaving(vec![Behaviour::HangBeforeHeaders]).start().await;
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&format!("smtp://{}", silent.address())).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    project.register(json!({ "url": receiver.url() })).await;
    project.send("order.created", json!({})).await;
    gateway.engine_at_rest().await;
    silent.connected(1).await;

    let began = gateway.now();
    gateway.env.advance(span("30s"));

    assert_eq!(gateway.at_rest().await, Some(began + span("90s")), "it is asked again a minute later");
}

#[tokio::test]
async fn admins_are_mailed_when_an_endpoint_gives_deliveries_up_and_when_it_has_recovered() {
    let plan = Plan::new();
    let url = format!("smtp://{}", plan.place());
    let mut postbox = plan.open().await;
    let receiver = Receiver::replying([500, 503, 500, 500, 204]).start().await;
    let gateway = mailing(&url).retry(["1s"]).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    project.register(json!({ "url": receiver.url(), "name": "Billing" })).await;
    for _ in 0..3 {
        project.send("order.created", json!({})).await;
        gateway.advance("5m").await;
    }

    let failing = postbox.mail(1).await;
    assert_eq!(failing.header("subject"), "Webhook endpoint failing: Billing (acme)");
    assert!(failing.text().contains("Last status:    503"), "{}", failing.text());
    let recovered = postbox.mail(2).await;
    assert_eq!(recovered.header("subject"), "Webhook endpoint recovered: Billing (acme)");
    assert!(!postbox.heard().contains("mail 3"), "the second failure was no news");
}

#[tokio::test]
async fn a_project_without_admins_gets_no_mail() {
    let plan = Plan::new();
    let url = format!("smtp://{}", plan.place());
    let mut postbox = plan.open().await;
    let receiver = Receiver::replying([410, 410]).start().await;
    let gateway = mailing(&url).start().await;
    let (quiet, loud) = (gateway.project("quiet").await, project_with(&gateway, "loud", &["oncall@example.com"]).await);

    disabled_endpoint(&gateway, &quiet, &receiver).await;
    disabled_endpoint(&gateway, &loud, &receiver).await;

    assert!(postbox.mail(1).await.header("subject").ends_with("(loud)"));
    assert!(!postbox.heard().contains("mail 2"));
}

#[tokio::test]
async fn a_login_goes_over_tls_where_the_mail_server_offers_it() {
    let authority = Authority::new();
    let plan = Plan::new().login("gateway@example.com", "p@ss:word");
    let url = format!("smtp://gateway%40example.com:p%40ss:word@{}", plan.place());
    let mut postbox = plan.open_as(&authority.vouch_for(["127.0.0.1"])).await;
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&url).trusting(&authority.pem()).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    disabled_endpoint(&gateway, &project, &receiver).await;

    let mail = postbox.mail(1).await;

    assert_eq!(mail.0["encrypted"], true);
    assert_eq!(mail.0["login"], json!(["gateway@example.com", "p@ss:word"]));
}

#[tokio::test]
async fn a_mail_server_may_speak_tls_from_the_first_byte() {
    let authority = Authority::new();
    let plan = Plan::new().login("user", "password").tls_first();
    let url = format!("smtps://user:password@{}", plan.place());
    let mut postbox = plan.open_as(&authority.vouch_for(["127.0.0.1"])).await;
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&url).trusting(&authority.pem()).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    disabled_endpoint(&gateway, &project, &receiver).await;

    assert_eq!(postbox.mail(1).await.0["encrypted"], true);
}

#[tokio::test]
async fn no_login_and_no_mail_goes_out_in_the_clear_where_tls_is_required() {
    let plan = Plan::new().login("user", "password");
    let url = format!("smtp://user:password@{}?tls=required", plan.place());
    let postbox = plan.open().await;
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&url).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    disabled_endpoint(&gateway, &project, &receiver).await;

    assert_eq!(gateway.at_rest().await, Some(gateway.now() + span("1m")), "it was tried");
    assert_eq!(postbox.heard(), "open");
}

#[tokio::test]
async fn no_login_and_no_mail_goes_to_a_mail_server_that_nobody_vouches_for() {
    let plan = Plan::new().login("user", "password");
    let url = format!("smtp://user:password@{}", plan.place());
    let postbox = plan.open_as(&Authority::new().vouch_for(["127.0.0.1"])).await;
    let receiver = Receiver::replying([410]).start().await;
    let gateway = mailing(&url).trusting(&Authority::new().pem()).start().await;
    let project = project_with(&gateway, "acme", &["oncall@example.com"]).await;
    disabled_endpoint(&gateway, &project, &receiver).await;

    assert_eq!(gateway.at_rest().await, Some(gateway.now() + span("1m")), "it was tried");
    assert_eq!(postbox.heard(), "open");
}

#[tokio::test]
async fn admins_are_addresses() {
    let gateway = Gateway::new().start().await;
    gateway.project("acme").await;

    let addresses = json!(["oncall@example.com", "first.last+hooks@mail.example.com"]);
    assert_eq!(set_admins(&gateway, "acme", addresses.clone()).await.expect(200)["admins"], addresses);
    for wrong in
        ["", "oncall", "@example.com", "a@", "a b@example.com", "a@example.com\r\nBcc: b@example.com", "A <a@b.c>"]
    {
        let problem = set_admins(&gateway, "acme", json!(["oncall@example.com", wrong])).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], "/admins/1", "{wrong:?}: {problem}");
    }
    let many: Vec<String> = (0..21).map(|number| format!("a{number}@example.com")).collect();
    assert_eq!(set_admins(&gateway, "acme", json!(many)).await.expect(422)["errors"][0]["pointer"], "/admins");
    let shown = gateway::list(&gateway.admin(), "/v1/projects").await;
    let acme = shown.iter().find(|project| project["slug"] == "acme").expect("it was made");
    assert_eq!(acme["admins"], addresses, "what is wrong changes nothing");

    assert_eq!(set_admins(&gateway, "acme", json!([])).await.expect(200)["admins"], json!([]));
}
