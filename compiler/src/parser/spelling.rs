//! Closing keywords in the spelling of other languages: `ENDIF`, `ELSEIF`.
//!
//! Such a word is reported once and then read as the keyword that was meant; otherwise every construct around it would be
//! reported as open. A variable may still have such a name: only a word that stands alone where a statement begins counts.

use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use crate::token::{Keyword, Lexed, Symbol, Token, TokenKind};

/// Foreign spelling and the keyword.
const SPELLINGS: [(&str, Keyword); 14] = [
    ("ELSEIF", Keyword::Elsif),
    ("ELSE_IF", Keyword::Elsif),
    ("ELIF", Keyword::Elsif),
    ("ENDIF", Keyword::EndIf),
    ("ENDCASE", Keyword::EndCase),
    ("ENDFOR", Keyword::EndFor),
    ("ENDWHILE", Keyword::EndWhile),
    ("ENDREPEAT", Keyword::EndRepeat),
    ("ENDVAR", Keyword::EndVar),
    ("ENDLADDER", Keyword::EndLadder),
    ("ENDST", Keyword::EndSt),
    ("ENDPROGRAM", Keyword::EndProgram),
    ("ENDFUNCTION", Keyword::EndFunction),
    ("ENDTYPE", Keyword::EndType),
];

/// Replaces such words by their keywords and reports each.
pub(super) fn mend(file: FileId, text: &str, lexed: &mut Lexed) {
    let mut before: Option<Token> = None;
    let mut rest = lexed.tokens.as_mut_slice();
    while let Some((token, after)) = rest.split_first_mut() {
        if token.kind == TokenKind::Name && stands_alone(before, after.first().map(|next| next.kind)) {
            let word = text.get(token.start as usize..token.end as usize).unwrap_or("");
            if let Some((_, keyword)) = SPELLINGS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(word)) {
                let message = format!("`{word}` is written {}", keyword.text());
                let span = Span::new(file, token.start, token.end);
                lexed.diagnostics.push(Diagnostic::new(Code::UnexpectedToken, span, message));
                token.kind = TokenKind::Keyword(*keyword);
            }
        }
        before = Some(*token);
        rest = after;
    }
}

/// True between the end of something and anything that does not make the word a variable.
fn stands_alone(before: Option<Token>, after: Option<TokenKind>) -> bool {
    let begins = match before.map(|token| token.kind) {
        Some(TokenKind::Symbol(Symbol::Semicolon) | TokenKind::Keyword(_)) => true,
        Some(
            TokenKind::Symbol(_)
            | TokenKind::Name
            | TokenKind::Literal
            | TokenKind::Text
            | TokenKind::WideText
            | TokenKind::Address
            | TokenKind::Pragma
            | TokenKind::Bad
            | TokenKind::End,
        )
        | None => false,
    };
    let used = matches!(
        after,
        Some(TokenKind::Symbol(Symbol::Assign | Symbol::Colon | Symbol::Comma | Symbol::Dot | Symbol::BracketOpen))
    );
    begins && !used
}
