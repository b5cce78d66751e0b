//! The running console: the loop, the tasks that poll, and the carrying out of effects.
//!
//! [`console`] is the loop: it alone owns the [`Model`](crate::app::Model). `session` owns every task of one
//! context (`poller`, `desk_task`, `measuring`, acts under way) and ends them together. Channels, all bounded:
//!
//! | channel | capacity | when full | closed by |
//! | --- | --- | --- | --- |
//! | input | 256 | the reader waits; scrolls are coalesced before | the reader, at end of file |
//! | results of effects | 64 | the task that acted waits; never dropped | the session, at its end |
//! | drafts (`tray`) | 1 a draft, latest value | the older value is replaced | the session, once they are kept |
//! | slots (SLO board, alert board, health, arrangement, the other contexts); those of one breath are heard together (`session::slots`) | 1, latest value | the older value is replaced | their task |

mod acts;
pub mod audit_forward;
pub mod case;
pub mod console;
mod desk_task;
pub mod editor;
pub mod frame;
mod history;
pub mod kept_file;
pub mod layout_file;
mod logs;
mod measuring;
mod outbox;
pub mod pace;
pub mod plain;
mod poller;
mod querying;
pub mod replay;
mod room;
pub mod runbooks;
pub mod session;
mod strip;
pub mod tour_file;
mod traces;
mod tray;
mod union;
pub mod usage;
pub mod warden;
