using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Cryptography;

public struct GetRandomRequest : IWireStructure<GetRandomRequest>
{
    public uint BytesRequested;

    public static void Describe<TCodec>(ref TCodec wire, ref GetRandomRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.BytesRequested);
}

public struct GetRandomResponse : IWireStructure<GetRandomResponse>
{
    public ReadOnlyMemory<byte> RandomBytes;

    public static void Describe<TCodec>(ref TCodec wire, ref GetRandomResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.RandomBytes);
}

/// <summary><c>TPM_GetRandom</c>, Part 3 §13.6: the next bytes of the random number generator, as many as fit a response.</summary>
public sealed class GetRandom()
    : TpmCommand<GetRandomRequest, GetRandomResponse>(TpmOrdinal.GetRandom, Sessions.None, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in GetRandomRequest request, ref GetRandomResponse response)
    {
        // As many as the response has room for, behind their size: in a transport session that is less.
        int most = tpm.ResponseRoom - sizeof(uint);
        byte[] bytes = tpm.Scratch.Allocate((int)Math.Min(request.BytesRequested, (uint)most));
        tpm.Platform.Random.Fill(bytes);
        response.RandomBytes = bytes;
        return Success;
    }
}
