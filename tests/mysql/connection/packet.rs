//! Packets of the client protocol: a length of three bytes, a number, and the payload.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// A longer payload goes on in the next packet.
const LONGEST: usize = 0xFF_FFFF;

/// Both directions of a connection.
pub struct Wire {
    stream: UnixStream,
    sequence: u8,
}

impl Wire {
    pub fn new(stream: UnixStream) -> Wire {
        Wire {
            stream,
            sequence: 0,
        }
    }

    /// The next command starts to count anew.
    pub fn restart(&mut self) {
        self.sequence = 0;
    }

    pub fn write(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut packets = payload.chunks(LONGEST).chain(
            // A payload of exactly this length ends with an empty packet.
            payload.len().is_multiple_of(LONGEST).then_some(&[][..]),
        );
        packets.try_for_each(|packet| {
            let length = u32::try_from(packet.len()).expect("at most three bytes");
            let mut bytes = (length | u32::from(self.sequence) << 24)
                .to_le_bytes()
                .to_vec();
            bytes.extend_from_slice(packet);
            self.sequence = self.sequence.wrapping_add(1);
            self.stream.write_all(&bytes)
        })
    }

    pub fn read(&mut self) -> io::Result<Packet> {
        let mut payload = Vec::new();
        loop {
            let mut header = [0; 4];
            self.stream.read_exact(&mut header)?;
            self.sequence = header[3].wrapping_add(1);
            let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
            let start = payload.len();
            payload.resize(start + length, 0);
            self.stream.read_exact(&mut payload[start..])?;
            if length < LONGEST {
                return Ok(Packet { payload, at: 0 });
            }
        }
    }
}

/// A payload that is read from front to back. The server is trusted: a short payload is a panic.
pub struct Packet {
    payload: Vec<u8>,
    at: usize,
}

impl Packet {
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    pub fn first(&self) -> u8 {
        self.payload[0]
    }

    pub fn take(&mut self, length: usize) -> &[u8] {
        let start = self.at;
        self.at += length;
        &self.payload[start..self.at]
    }

    pub fn rest(&mut self) -> Vec<u8> {
        self.take(self.payload.len() - self.at).to_vec()
    }

    /// An unsigned number of `length` bytes.
    pub fn unsigned(&mut self, length: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(self.take(length));
        u64::from_le_bytes(bytes)
    }

    /// A signed number of `length` bytes.
    pub fn signed(&mut self, length: usize) -> i64 {
        let shift = 64 - 8 * u32::try_from(length).expect("at most 8");
        (self.unsigned(length) << shift).cast_signed() >> shift
    }

    /// A number that says its own length; `None` stands for NULL.
    pub fn varying(&mut self) -> Option<u64> {
        match self.unsigned(1) {
            0xFB => None,
            0xFC => Some(self.unsigned(2)),
            0xFD => Some(self.unsigned(3)),
            0xFE => Some(self.unsigned(8)),
            small => Some(small),
        }
    }

    /// Bytes after their length; `None` stands for NULL.
    pub fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = self.varying()?;
        Some(self.take(usize::try_from(length).expect("fits")).to_vec())
    }

    /// Bytes up to a zero.
    pub fn terminated(&mut self) -> Vec<u8> {
        let length = self.payload[self.at..].iter().position(|byte| *byte == 0);
        let bytes = self.take(length.expect("a zero at the end")).to_vec();
        self.at += 1;
        bytes
    }
}
