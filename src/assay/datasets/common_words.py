"""Common English words: nearly every tokenizer has each of them, after a space, as one token."""

from __future__ import annotations

_LIST = """
time people way day man thing world life hand part child eye woman place work week case point
government company number group problem fact year good new first last long great little own other
old right big high different small large next early young important few public bad same able see
come think look want give use find tell ask seem feel try leave call house water room mother area
money story month lot book job word business issue side kind head service friend father power hour
game line end member law car city name president team minute idea body information back parent face
others level office door health person art war history party result change morning reason research
girl guy moment air teacher force education foot boy age policy music market sense nation plan
college interest death experience effect class control field development role effort rate heart drug
show leader light voice wife police mind price report decision son view relationship town road arm
difference value building action season society tax director position player record paper space
ground form event official matter center couple site project activity star table need court oil
situation cost industry figure street image phone data picture practice piece land product doctor
wall patient worker news test movie north love support technology step baby computer type attention
film tree source hair window culture chance brother energy period course summer plant opportunity
term letter condition choice rule south husband floor campaign material population economy hospital
church risk fire future bank sport board subject officer rest behavior performance top goal second
bed order author blood agency nature color store sound movement page race concern series language
response animal factor decade article east artist scene stock career treatment approach size fund
media sign thought list individual quality pressure
"""
COMMON_WORDS = tuple(_LIST.split())
