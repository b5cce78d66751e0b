//! What needs the journal, or incidents: the outbox, the keepers of incidents, timelines, the recording of what
//! the boards show. Opened off the UI task after the first frame; ends with the session.
//!
//! [`Room`] is what effects ask; [`Doors`] are the slots and questions that the session holds. The journal may be
//! unusable: then everything but acts works, and what is wrong is said. Start at [`run`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use super::poller::{HealthLine, Poller};
use crate::app::feed::Feed;
use crate::app::incidents::IncidentBoard;
use crate::app::msg::Msg;
use crate::backend::Backends;
use crate::backend::incidents::{Incidents, Question};
use crate::config::{Config, Context};
use crate::domain::alert::AlertBoard;
use crate::domain::incident::{ActingAs, IncidentId};
use crate::domain::oncall::Roster;
use crate::domain::slo::SloBoard;
use crate::domain::timeline::Timeline;
use crate::journal::{Journal, Opening};
use crate::outbox::OutboxView;
use crate::time::Clock;

mod board;
mod chronicle;
mod recorder;
