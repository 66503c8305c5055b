namespace Vtpm.Differential.Steps;

/// <summary>A session as one command uses it.</summary>
/// <param name="Session">Its number.</param>
/// <param name="Secret">The secret of the entity; OSAP and DSAP sessions have their own instead.</param>
/// <param name="Continue">continueAuthSession.</param>
public sealed record SessionUse(int Session, byte[] Secret, bool Continue = false);

/// <summary>What is done to a command that was valid.</summary>
public enum MutationKind
{
    WrongHmac,
    UnknownSession,
    Tag,
    Truncated,
    Longer,
    FlippedBit,
}

/// <param name="Kind">What.</param>
/// <param name="Number">Which: the authorization block, the tag, the bytes cut off, the bit flipped.</param>
public sealed record Mutation(MutationKind Kind, int Number)
{
    public override string ToString() => Kind switch
    {
        MutationKind.WrongHmac => $"HMAC {Number + 1} wrong",
        MutationKind.UnknownSession => $"session {Number + 1} unknown",
        MutationKind.Tag => $"tag {Number:x4}",
        MutationKind.Truncated => $"{Number} bytes cut off",
        MutationKind.Longer => "a byte too many",
        _ => $"bit {Number} flipped",
    };
}
