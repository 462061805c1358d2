//! The compact form of a JWS (RFC 7515 §7.1), taken apart: one text has one reading, and whatever has two is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::token::{MAX_BYTES, TokenFault};

/// Three parts, decoded. Nothing of them is true before the signature is known to be right.
#[derive(Debug)]
pub struct Compact<'a> {
    /// What was signed: header and payload as they came (RFC 7515 §5.1).
    pub message: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
    /// The header's text.
    pub header: Vec<u8>,
    /// What is signed beside it.
    pub payload: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Takes a text apart. Padding, stray bits, white space and a further part are refused.
    ///
    /// # Errors
    /// [`TokenFault::TooLong`] and [`TokenFault::Form`].
    pub fn read(text: &'a [u8]) -> Result<Self, TokenFault> {
        if text.len() > MAX_BYTES {
            return Err(TokenFault::TooLong);
        }
        let mut parts = text.rsplitn(3, |byte| *byte == b'.');
        let (Some(signature), Some(payload), Some(header)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TokenFault::Form);
        };
        let message = text.get(..text.len() - signature.len() - 1).ok_or(TokenFault::Form)?;
        // The rest may hold a further dot, which base64url does not.
        let decode = |part: &[u8]| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Form);
        let (signature, header, payload) = (decode(signature)?, decode(header)?, decode(payload)?);
        Ok(Self { message, signature, header, payload })
    }

    /// The same of a token, whose header and payload begin like objects (RFC 7519 §7.2).
    pub(crate) fn of_objects(text: &'a [u8]) -> Result<Self, TokenFault> {
        let read = Self::read(text)?;
        let is_object = |json: &[u8]| json.first() == Some(&b'{');
        if is_object(&read.header) && is_object(&read.payload) { Ok(read) } else { Err(TokenFault::Form) }
    }
}
