//! Mail to projects' admins: takes what is due from the outbox and hands it to the mail server, until that has taken it or
//! a day has passed.

mod mail_message;
mod send_error;
mod smtp_url;

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use model::env::Env;
use model::time::Timestamp;
use store::Store;
use store::outbox::{Mail, Next};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::send_error::{PATIENCE, SendMailError};
pub use self::smtp_url::{NotARelay, SmtpUrl};
use crate::worker::{self, Question, Worker};

/// The worker's name.
pub const NAME: &str = "mailer";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// How long to wait after each failure; after one more the mail is given up. Mail servers may be away for a night.
const WAITS: [Duration; 7] = [
    MINUTE,
    Duration::from_secs(300),
    Duration::from_secs(900),
    HOUR,
    HOUR.saturating_mul(3),
    HOUR.saturating_mul(6),
    HOUR.saturating_mul(12),
];

/// How long to wait when the store does not answer.
const PAUSE: Duration = MINUTE;

/// What sending needs to know.
pub struct Settings {
    pub smtp_url: SmtpUrl,
    pub from: Mailbox,
    /// Where people reach this server, if they can.
    pub public_url: Option<String>,
    /// Certificates to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// Starts sending what waits and what comes. A stop waits for the mail under way; what is left waits in the outbox.
pub fn start(store: Store, env: Arc<dyn Env>, settings: Settings) -> Result<Worker, smtp::Error> {
    let Settings { smtp_url, from, public_url, ca_pem } = settings;
    let transport = smtp_url.transport(from.email.domain(), ca_pem.as_deref())?;
    Ok(Worker::start(NAME, |context| {
        let worker = OutboxWorker { store, env, transport, from, public_url, tasks: context.tasks.clone() };
        run(Arc::new(worker), context)
    }))
}

async fn run(worker: Arc<OutboxWorker>, context: worker::Context) {
    let worker::Context { stop, mut questions, .. } = context;
    let mut askers: Vec<Question> = Vec::new();
    while !stop.is_cancelled() {
        let next = worker.send_due(&stop).await;
        for asker in askers.drain(..) {
            // Whoever asked may have gone.
            let _ = asker.send(next);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = worker.store.mails_woken() => {}
            () = worker.until(next) => {}
            Some(asker) = questions.recv() => askers.push(asker),
        }
    }
}

struct OutboxWorker {
    store: Store,
    env: Arc<dyn Env>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    public_url: Option<String>,
    tasks: TaskTracker,
}

impl OutboxWorker {
    /// Sends mail until none is due; answers when there will be some.
    async fn send_due(self: &Arc<Self>, stop: &CancellationToken) -> Option<Timestamp> {
        while !stop.is_cancelled() {
            let next = match self.store.next_mail().await {
                Ok(next) => next,
                Err(error) => return Some(self.complain(&error)),
            };
            match next {
                Next::Due(mail) => {
                    if let Err(error) = self.carry(*mail).await {
                        return Some(self.complain(&error));
                    }
                }
                Next::At(at) => return Some(at),
                Next::Nothing => return None,
            }
        }
        None
    }

    fn complain(&self, error: &store::Error) -> Timestamp {
        tracing::error!(error = error as &dyn std::error::Error, "mail cannot be sent now and will be later");
        self.env.now() + PAUSE
    }

    async fn until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.env.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Carries one mail to the mail server and writes down what came of it. If we die in between it is sent again, under
    /// the same id.
    async fn carry(self: &Arc<Self>, mail: Mail) -> Result<(), store::Error> {
        let (id, slug, failures) = (mail.id, mail.report.slug.clone(), mail.failures + 1);
        let recipient = mail.recipient.clone();
        let Err(failure) = self.send(mail).await else {
            tracing::info!(mail = %id, project = %slug, "an admin was mailed");
            return self.store.remove_mail(id).await;
        };
        // Mail servers repeat addresses, which are nobody's business who reads the log.
        let error = failure.to_string().replace(&recipient, "…");
        match wait_after(failures).filter(|_| !failure.is_final()) {
            Some(wait) => {
                tracing::warn!(mail = %id, project = %slug, failures, wait_s = wait.as_secs(), error, "a mail will be tried again");
                self.store.put_off_mail(id, self.env.now() + wait).await
            }
            None => {
                tracing::error!(mail = %id, project = %slug, failures, error, "a mail was given up: an admin was not told");
                self.store.remove_mail(id).await
            }
        }
    }

    async fn send(self: &Arc<Self>, mail: Mail) -> Result<(), SendMailError> {
        let patience = self.env.sleep(PATIENCE);
        let worker = self.clone();
        // A task of its own: a panic costs this mail and not those behind it.
        let mut sending = self.tasks.spawn(async move {
            let message = mail_message::write(&mail, &worker.from, worker.public_url.as_deref())?;
            worker.transport.send(message).await?;
            Ok(())
        });
        tokio::select! {
            sent = &mut sending => sent.unwrap_or(Err(SendMailError::Panicked)),
            () = patience => {
                sending.abort();
                Err(SendMailError::Timeout)
            }
        }
    }
}

/// How long to wait when so many tries have failed; `None` when it is enough.
fn wait_after(failures: u32) -> Option<Duration> {
    let index = usize::try_from(failures).ok()?.checked_sub(1)?;
    WAITS.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_tried_for_most_of_a_day() {
        assert_eq!(wait_after(1), Some(MINUTE));
        let all: Duration = (1..).map_while(wait_after).sum();
        assert!(all > 20 * HOUR && all < 24 * HOUR, "{all:?}");
    }
}
