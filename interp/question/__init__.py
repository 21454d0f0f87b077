"""What a user asks, without torch: a sentence, the words meant, tags and the entities that they spell."""

from interp.question.question import Output, Part, Positions, Question, ReferenceKind, Tags

__all__ = ["Output", "Part", "Positions", "Question", "ReferenceKind", "Tags"]
