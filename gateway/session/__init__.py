"""One visit to one device: the conversation, file by file.

visit.py         the main flow: link -> facts and clock -> records -> spool -> set the clock
talk.py          the link: values in the order in which they came, questions and answers
facts.py         the device's clock, battery and names
keeping.py       value -> reading -> spool, once
meter.py         a glucose meter: records by number, contexts beside them
oximeter.py      a pulse oximeter's memory
pushes.py        cuff, scale, thermometer: they send what they have and hang up
streams.py       a value a second for as long as it is worn: one of them is the reading
users.py         consent to a scale's user slots
advertised.py    a device that is never connected to
decisions.py     what to ask, what is new, which value to take: pure
"""
