//! Reading a recording: an index of what it holds, bodies only when they are asked for.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::format::{self, Entry, Fault, HEAD, Head, Header, MAGIC, VERSION};
use crate::terminal::Input;

/// Frames that are read at most.
const FRAMES_CAP: usize = 4_000_000;
/// Bytes of meta parts, inflated, that are read at most in all: bodies are not held.
const META_TOTAL_CAP: usize = 256 * 1024 * 1024;
/// The longest first line that is looked at, bytes.
const FIRST_LINE: u64 = 64;

/// Why a recording is not played.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("{}: {why}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The file is something else.
    #[error("{} is no recording of midwatch; one is made with --record FILE", .0.display())]
    Foreign(PathBuf),
    /// A later midwatch made it.
    #[error("{} has version {version} of the format, and this midwatch reads up to {VERSION}; play it with a newer one", .path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// It ends before anything can be played.
    #[error("{} breaks off at byte {byte}, before its header is over; there is nothing to play in it", .path.display())]
    NoHeader {
        /// Which file.
        path: PathBuf,
        /// Where.
        byte: u64,
    },
    /// Something in it is not what was written.
    #[error("{} is damaged at byte {byte} (frame {frame}, {}): {why}; get it again, or play what stands before with --partial", .path.display(), into_session(*.after))]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the frame begins.
        byte: u64,
        /// Which, the header counted as 0.
        frame: usize,
        /// How long a session it holds up to there.
        after: Duration,
        /// What is wrong.
        why: String,
    },
}

fn into_session(after: Duration) -> String {
    format!("{:.1} s into the session", after.as_secs_f64())
}

/// What becomes of a damaged recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// It is refused.
    Whole,
    /// What stands before the damage is played.
    UpToDamage,
}

/// How a recording ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The console was closed.
    Orderly,
    /// There is no end: the console was killed, or the file was cut, at this byte.
    CutOff(u64),
    /// What follows is damaged; the words of the refusal.
    Damaged(String),
}

/// Something that the person did, and when on the session's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Duration,
    /// What.
    pub event: Event,
}

/// What the person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A key, a paste, the mouse, a window's size.
    Input(Input),
    /// What an editor gave back.
    Edited(Result<String, String>),
}

/// Where a body lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    payload: u64,
    head: Head,
}

/// One question with what became of it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) asked: Duration,
    pub(super) at: Duration,
    pub(super) said: Said,
}

/// What became of a question.
#[derive(Debug)]
pub(super) enum Said {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Place,
    },
    Failure(Fault),
    Opened {
        socket: bool,
        headers: Vec<(String, String)>,
        stream: u64,
    },
}

/// Something that came of a long answer.
#[derive(Debug)]
pub(super) struct Bit {
    pub(super) at: Duration,
    pub(super) said: Brought,
}

#[derive(Debug)]
pub(super) enum Brought {
    Piece(Place),
    End(Option<Fault>),
}

/// A recording that can be played.
#[derive(Debug)]
pub struct Recording {
    /// What it begins with.
    pub header: Header,
    /// What the person did, in order.
    pub moments: Vec<Moment>,
    /// How it ends.
    pub ending: Ending,
    /// Events that were not kept, because they came too fast.
    pub lost: u64,
    /// Until when it reaches, on the session's clock.
    pub until: Duration,
    /// Questions by their keys, each in the order of their answers.
    pub(super) exchanges: HashMap<String, Vec<Exchange>>,
    /// Long answers by their numbers.
    pub(super) streams: HashMap<u64, Vec<Bit>>,
    file: Mutex<File>,
}

impl Recording {
    /// Reads a file: its header and the index of its frames.
    pub fn open(path: &Path, strictness: Strictness) -> Result<Self, RecordingError> {
        let unreadable = |why: io::Error| RecordingError::Unreadable {
            path: path.to_owned(),
            why,
        };
        let file = File::open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::other("is no file")));
        }
        let mut scan = Scan::begin(path, file)?;
        let mut index = Index::default();
        let mut header = None;
        let ending = loop {
            match scan.next() {
                Ok(Some((entry, place))) => {
                    let is_end = matches!(entry, Entry::End { .. });
                    match (entry, &header) {
                        (Entry::Header(first), None) => header = Some(first),
                        (_, None) | (Entry::Header(_), Some(_)) => {
                            break Err(
                                scan.damaged("a header stands where none belongs, or none where one does")
                            );
                        }
                        (entry, Some(_)) => index.take(entry, place),
                    }
                    let opened = header.as_ref().map_or(0, |header| header.opened);
                    scan.after = index.until().saturating_sub(Duration::from_micros(opened));
                    if is_end {
                        break Ok(Ending::Orderly);
                    }
                }
                Ok(None) => break Ok(Ending::CutOff(scan.at)),
                Err(error) => break Err(error),
            }
        };
        let Some(header) = header else {
            return Err(match ending {
                Err(error) => error,
                Ok(_) => RecordingError::NoHeader {
                    path: path.to_owned(),
                    byte: scan.at,
                },
            });
        };
        let ending = match (ending, strictness) {
            (Ok(ending), _) => ending,
            (Err(error @ RecordingError::Damaged { .. }), Strictness::UpToDamage) => {
                Ending::Damaged(error.to_string())
            }
            (Err(error), _) => return Err(error),
        };
        Ok(index.recording(*header, ending, scan.file.into_inner()))
    }

    /// Reads a body.
    pub(super) fn body(&self, place: Place) -> Result<Vec<u8>, String> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut payload = Vec::new();
        let limit = u64::try_from(place.head.payload).unwrap_or_default();
        file.seek(SeekFrom::Start(place.payload))
            .and_then(|_| (&mut *file).take(limit).read_to_end(&mut payload))
            .map_err(|error| error.to_string())?;
        if format::crc(&payload) != place.head.crc {
            return Err("it was changed while it was played".to_owned());
        }
        format::body(place.head, &payload)
    }

    /// When the console opened, on the session's clock.
    pub fn opened(&self) -> Duration {
        Duration::from_micros(self.header.opened)
    }
}

/// Walks over the frames.
struct Scan<'a> {
    path: &'a Path,
    file: BufReader<File>,
    /// Where the next frame begins.
    at: u64,
    frames: Vec<Place>,
    metas: usize,
    after: Duration,
}

impl<'a> Scan<'a> {
    fn begin(path: &'a Path, file: File) -> Result<Self, RecordingError> {
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        let read = io::BufRead::read_until(&mut (&mut file).take(FIRST_LINE), b'\n', &mut line);
        read.map_err(|why| RecordingError::Unreadable {
            path: path.to_owned(),
            why,
        })?;
        let foreign = || RecordingError::Foreign(path.to_owned());
        let text = std::str::from_utf8(&line).map_err(|_| foreign())?;
        let version = text
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.strip_suffix('\n'))
            .and_then(|version| version.parse::<u32>().ok())
            .ok_or_else(foreign)?;
        match version {
            VERSION => {}
            0 => return Err(foreign()),
            version => {
                return Err(RecordingError::Newer {
                    path: path.to_owned(),
                    version,
                });
            }
        }
        Ok(Self {
            path,
            file,
            at: u64::try_from(line.len()).unwrap_or_default(),
            frames: Vec::new(),
            metas: 0,
            after: Duration::ZERO,
        })
    }

    fn damaged(&self, why: impl Into<String>) -> RecordingError {
        RecordingError::Damaged {
            path: self.path.to_owned(),
            byte: self.at,
            frame: self.frames.len(),
            after: self.after,
            why: why.into(),
        }
    }

    /// The next entry with the place of its body; nothing where the file ends, in the middle of a frame or not.
    fn next(&mut self) -> Result<Option<(Entry, Place)>, RecordingError> {
        let Some((head, payload)) = self.frame()? else {
            return Ok(None);
        };
        if format::crc(&payload) != head.crc {
            return Err(self.damaged("its bytes do not match their checksum"));
        }
        self.metas += head.meta;
        if self.metas > META_TOTAL_CAP || self.frames.len() >= FRAMES_CAP {
            return Err(self.damaged("it holds more than is read"));
        }
        let meta = format::meta(head, &payload).map_err(|why| self.damaged(why))?;
        let here = Place {
            payload: self.at + HEAD as u64,
            head,
        };
        let place = match meta.same {
            None => here,
            Some(earlier) => match self.frames.get(earlier as usize) {
                Some(earlier) => *earlier,
                None => return Err(self.damaged("its body is said to stand where none stands")),
            },
        };
        self.frames.push(here);
        self.at += HEAD as u64 + u64::try_from(head.payload).unwrap_or_default();
        Ok(Some((meta.entry, place)))
    }

    fn frame(&mut self) -> Result<Option<(Head, Vec<u8>)>, RecordingError> {
        let mut bytes = Vec::with_capacity(HEAD);
        self.read(HEAD, &mut bytes)?;
        let Ok(bytes) = <[u8; HEAD]>::try_from(bytes.as_slice()) else {
            return Ok(None);
        };
        let head = Head::read(&bytes).map_err(|why| self.damaged(why))?;
        let mut payload = Vec::new();
        self.read(head.payload, &mut payload)?;
        Ok((payload.len() == head.payload).then_some((head, payload)))
    }

    /// At most so many bytes; memory is taken for what is there, not for what is claimed.
    fn read(&mut self, count: usize, into: &mut Vec<u8>) -> Result<(), RecordingError> {
        let limit = u64::try_from(count).unwrap_or_default();
        let read = (&mut self.file).take(limit).read_to_end(into);
        read.map(drop).map_err(|why| RecordingError::Unreadable {
            path: self.path.to_owned(),
            why,
        })
    }
}

/// What has been read so far, in the order of the file; times in microseconds.
#[derive(Default)]
struct Index {
    entries: Vec<(u64, Entry, Place)>,
    until: u64,
}

impl Index {
    fn take(&mut self, entry: Entry, place: Place) {
        if let Some(at) = entry.at() {
            self.until = self.until.max(at);
            self.entries.push((at, entry, place));
        }
    }

    fn until(&self) -> Duration {
        Duration::from_micros(self.until)
    }

    /// Each event gets a moment of its own, on the millisecond, that none shares: what one leads to is over before
    /// the next happens.
    fn recording(mut self, header: Header, ending: Ending, file: File) -> Recording {
        self.entries.sort_by_key(|(at, ..)| *at);
        let mut recording = Recording {
            header,
            moments: Vec::new(),
            ending,
            lost: 0,
            until: Duration::ZERO,
            exchanges: HashMap::new(),
            streams: HashMap::new(),
            file: Mutex::new(file),
        };
        let mut last = 0;
        for (at, entry, place) in self.entries {
            let millis = at.div_ceil(1_000).max(last + 1);
            last = millis;
            let at = Duration::from_millis(millis);
            recording.until = at;
            let mut put = |key: String, asked: u64, said: Said| {
                let asked = Duration::from_micros(asked);
                let all = recording.exchanges.entry(key).or_default();
                all.push(Exchange { asked, at, said });
            };
            match entry {
                Entry::Answer {
                    key,
                    asked,
                    status,
                    headers,
                    ..
                } => put(
                    key,
                    asked,
                    Said::Answer {
                        status,
                        headers,
                        body: place,
                    },
                ),
                Entry::Failure {
                    key, asked, fault, ..
                } => put(key, asked, Said::Failure(fault)),
                Entry::Opened {
                    key,
                    asked,
                    stream,
                    socket,
                    headers,
                    ..
                } => {
                    let said = Said::Opened {
                        socket,
                        headers,
                        stream,
                    };
                    put(key, asked, said);
                }
                Entry::Piece { stream, .. } => {
                    let bits = recording.streams.entry(stream).or_default();
                    bits.push(Bit {
                        at,
                        said: Brought::Piece(place),
                    });
                }
                Entry::Ended { stream, fault, .. } => {
                    let bits = recording.streams.entry(stream).or_default();
                    bits.push(Bit {
                        at,
                        said: Brought::End(fault),
                    });
                }
                Entry::Input { input, .. } => recording.moments.push(Moment {
                    at,
                    event: Event::Input(input.into()),
                }),
                Entry::Edited { result, .. } => recording.moments.push(Moment {
                    at,
                    event: Event::Edited(result),
                }),
                Entry::Lost { count, .. } => recording.lost = recording.lost.saturating_add(count),
                Entry::End { .. } | Entry::Header(_) => {}
            }
        }
        recording
    }
}
