namespace Vtpm.StubDomain;

/// <summary>A domain cannot be made ready for its program; the message says what is missing, and what its configuration should have.</summary>
public sealed class StubDomainException(string message, Exception? inner = null) : Exception(message, inner);
