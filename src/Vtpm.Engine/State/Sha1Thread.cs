namespace Vtpm.Engine;

/// <summary>The one SHA-1 calculation that software can have running in the TPM (Part 3 §13.1-§13.4). Immutable.</summary>
public sealed class Sha1Thread
{
}
