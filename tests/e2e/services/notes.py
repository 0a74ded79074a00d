"""A service as people write them with FastAPI. Nothing in it is made for a portal, or for a gateway.

usage: python notes.py ADDRESS PORT
"""

import sys
from datetime import datetime, timezone
from enum import Enum

import uvicorn
from fastapi import FastAPI, HTTPException, Query, Response
from pydantic import BaseModel, Field


class Colour(str, Enum):
    yellow = "yellow"
    blue = "blue"


class Draft(BaseModel):
    text: str = Field(min_length=1, max_length=200, examples=["Buy bells"])
    colour: Colour | None = None
    deadline: datetime | None = Field(default=None, description="When it has to be *done*.")


class Note(Draft):
    number: int
    replies: list["Note"] = []


app = FastAPI(title="Notes", version="1.4.0", description="What people have *written down*.")
notes: dict[int, Note] = {}


@app.get("/notes", tags=["notes"])
def list_notes(limit: int = Query(default=10, ge=1, le=100), colour: Colour | None = None) -> list[Note]:
    """All of them, the **newest** first."""
    found = [note for note in notes.values() if colour in (None, note.colour)]
    return found[::-1][:limit]


@app.post("/notes", tags=["notes"], status_code=201)
def write_note(draft: Draft) -> Note:
    note = Note(**draft.model_dump(), number=len(notes) + 1)
    notes[note.number] = note
    return note


@app.get("/notes/{number}", tags=["notes"], responses={404: {"description": "There is none"}})
def read_note(number: int, response: Response) -> Note:
    if number not in notes:
        raise HTTPException(status_code=404, detail="there is no such note")
    response.headers["x-read-at"] = datetime.now(timezone.utc).isoformat()
    return notes[number]


if __name__ == "__main__":
    uvicorn.run(app, host=sys.argv[1], port=int(sys.argv[2]), log_level="warning")
