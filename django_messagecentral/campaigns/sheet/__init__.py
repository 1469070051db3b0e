"""Reading a spreadsheet of recipients: the workbook, its cells as text, its columns, and its rows as
recipients.

Nothing here touches the database.
"""
