"""Who is it, may they, and is it really their own form?"""
