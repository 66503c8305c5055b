using System.Buffers.Binary;
using Vtpm.Differential.Sides;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Steps;

/// <summary>Sends a command through a transport session of a side (Part 3 §24.2), and brings its answer out.</summary>
internal static class TransportLink
{
    /// <summary>Base of the results of TPM_ExecuteTransport itself, so that they are not taken for those of the command in it.</summary>
    private const uint OuterResult = 0x0100_0000;

    private static readonly CommandTable Commands = CommandTable.Create(TpmProfile.Xen);

    /// <summary>A result of TPM_ExecuteTransport itself.</summary>
    public static TpmResult Outer(TpmResult result) => (TpmResult)(OuterResult + (uint)result);

    public static byte[] Execute(TpmSide side, int number, TpmOrdinal ordinal, byte[] request)
    {
        TestTransport transport = side.Memory.Transports[number];
        (int bareIn, int bareOut) = Commands.Find(ordinal, out TpmCommand command) == TpmResult.Success
            ? (command.Traits.BareIn, command.Traits.BareOut)
            : (0, 0);
        var nonceOdd = new TpmNonce(System.Security.Cryptography.SHA1.HashData(transport.NonceEven.ReadOnlySpan));
        byte[] answer = side.Execute(transport.Wrap(request, bareIn, default, nonceOdd));
        uint result = BinaryPrimitives.ReadUInt32BigEndian(answer.AsSpan(6));
        if (result != 0) return [.. answer[..6], .. TestTpm.BigEndian(OuterResult + result)];

        byte[] response = transport.Unwrap(answer, ordinal, bareOut);
        side.Memory.Sessions[Differential.Commands.Transport.SessionOf(number)] =
            new SideSession { Handle = transport.Handle, NonceEven = transport.NonceEven };
        return response;
    }
}
