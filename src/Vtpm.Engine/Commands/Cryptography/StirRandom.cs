using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct StirRandomRequest : IWireStructure<StirRandomRequest>
{
    public ReadOnlyMemory<byte> InData;

    public static void Describe<TCodec>(ref TCodec wire, ref StirRandomRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.InData);
}

/// <summary><c>TPM_StirRandom</c>, Part 3 §13.7: adds the caller's entropy to the random number generator's.</summary>
public sealed class StirRandom()
    : TpmCommand<StirRandomRequest, NoParameters>(TpmOrdinal.StirRandom, Sessions.None, Availability.NoOwner, Duration.Short)
{
    private const int TooMany = 256;

    protected override TpmResult Execute(CommandContext tpm, in StirRandomRequest request, ref NoParameters response)
    {
        if (request.InData.Length >= TooMany) return BadParameter;
        tpm.Platform.Random.Stir(request.InData.Span);
        return Success;
    }
}
