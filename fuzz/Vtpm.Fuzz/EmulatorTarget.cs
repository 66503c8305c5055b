using System.Buffers.Binary;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// A state of the emulator that Xen's vtpm-stubdom is made of, less its first four bytes, which say that it is one. What is taken over is a state of
/// ours: it can be written and read again, and works. The first byte of the input says which commands it is sent.
/// </summary>
public sealed class EmulatorTarget : IFuzzTarget
{
    private const string Vector = "vectors/emulator-state/state.hex";

    private static readonly byte[] Version = [1, 2, 0, 7];

    private readonly Lazy<Tpm12> _engine = new(() => FuzzPlatform.NewEngine());

    public string Name => "emulator";

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return;
        var rsa = new TransparentRsa();
        PermanentState taken;
        try
        {
            taken = Take(input, rsa);
        }
        catch (StateFormatException)
        {
            return;
        }

        StateWitness.Check(taken, rsa, input[0]);
    }

    /// <summary>The state that an input is taken over as.</summary>
    /// <exception cref="StateFormatException">It is none.</exception>
    public PermanentState Take(ReadOnlySpan<byte> input, ITpmRsa rsa) =>
        EmulatorState.Read([.. Version, .. input[1..]], _engine.Value.Manufacture(), _engine.Value.Commands, rsa);

    /// <summary>The state that an emulator has written, and what that one did not have, put into it.</summary>
    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        const int isOwned = 27, maintenanceKey = 154, families = 1822, delegations = 1838, keys = 6166;
        string hex = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, Vector));
        // What the next TPM_Startup would have ended is at its end.
        byte[] state = Convert.FromHexString(string.Concat(hex.Split()))[..(keys + 10)];
        yield return ("vector", Input(state));
        yield return ("key", Input(With(state, keys, Pinned([]))));
        yield return ("key-pcrs", Input(With(state, keys, Pinned([0, 3, 1, 0, 0, .. new byte[2 * TpmDigest.Size]]))));
        byte[] pcrs = WireFormat.ToBytes(new TpmPcrInfoLong
        {
            LocalityAtCreation = TpmLocalitySelection.Zero,
            LocalityAtRelease = TpmLocalitySelection.All,
            CreationPcrSelection = TpmPcrSelection.Of(1),
            ReleasePcrSelection = TpmPcrSelection.Of(4),
        });
        yield return ("key-pcrs-long", Input(With(state, keys, Pinned(pcrs))));
        byte[] delegation = [1, 0, 0, .. WireFormat.ToBytes(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear)), .. new byte[TpmAuthData.Size]];
        byte[] family = [1, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2];
        yield return ("delegation", Input(With(With(state, delegations + 1, delegation), families, family)));
        yield return ("maintenance", Input(With(state, maintenanceKey, [1, 0, 0, 0, 0, 0, 2, 0, 1, 9, 9, 9])));
        byte[] unowned = [.. state];
        unowned[isOwned] = 0;
        yield return ("unowned", Input(unowned));

        static byte[] Input(byte[] state) => [0, .. state.AsSpan(Version.Length)];
    }

    /// <summary>The state with a row in place of the byte that says that there is none.</summary>
    private static byte[] With(byte[] state, int at, byte[] row) => [.. state[..at], .. row, .. state[(at + 1)..]];

    /// <summary>A key that the owner has pinned, in its slot.</summary>
    private static byte[] Pinned(byte[] pcrInfo)
    {
        const uint hasPcrInfo = 0x10000000;
        (byte[] modulus, byte[] prime) = FixedRsa.KeysOf(512).First();
        byte[] key = [(byte)TpmPayloadType.Asym, 0, (byte)TpmKeyUsage.Signing, .. new byte[4], 0, 0, 0, (byte)TpmKeyControl.OwnerEvict, (byte)TpmAuthDataUsage.Always];
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(3), pcrInfo.Length > 0 ? hasPcrInfo : 0);
        byte[] schemes = [0, (byte)TpmEncScheme.None, 0, (byte)TpmSigScheme.RsaSsaPkcs1V15Sha1];
        byte[] lengths = [0, (byte)modulus.Length, 0, 3, 0, (byte)prime.Length];
        return [.. key, .. schemes, .. new byte[2 * TpmAuthData.Size], .. pcrInfo, 0, .. lengths, .. modulus, 1, 0, 1, .. prime];
    }
}
