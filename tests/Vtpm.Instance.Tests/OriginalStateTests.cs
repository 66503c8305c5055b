using System.Security.Cryptography;
using System.Text;
using Vtpm.Client;
using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Instance.Tests;

/// <summary>
/// A vTPM of Xen's vtpm-stubdom comes over: its state is one that the emulator which it is made of has written (tests/vectors/emulator-state), and
/// what that one sealed, wrapped and kept is asked for by a client.
/// </summary>
public sealed class OriginalStateTests : IDisposable
{
    private const uint NvIndex = 0x1100;
    private const uint CounterId = 0x06000000;
    private const int LengthOfWhatLasts = 6176;

    private static readonly byte[] State = Convert.FromHexString(string.Concat(File.ReadAllLines(Vector("state.hex"))));
    private static readonly Dictionary<string, string> Kept =
        File.ReadAllLines(Vector("blobs.txt")).Select(line => line.Split(' ')).ToDictionary(words => words[0], words => words[1]);

    private readonly string _folder = Directory.CreateTempSubdirectory("vtpm-test").FullName;
    private readonly ScriptedManager _manager = new();
    private readonly List<string> _log = [];

    public OriginalStateTests()
    {
        using FileBlockStore store = FileBlockStore.OpenOrCreate(Image, VtpmImage.DefaultLength);
        var image = new VtpmImage(store);
        image.StartFresh();
        _manager.HashKey = new byte[VtpmImage.HashKeySize];
        Assert.Equal(VtpmImageWrite.Written, image.Save(State, _manager.HashKey).Write);
    }

    private string Image => Path.Combine(_folder, "image");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Start_OriginalsState_IsTakenOverAndNothingIsWritten()
    {
        byte[] image = File.ReadAllBytes(Image), hashKey = _manager.HashKey!;
        using (VirtualTpm vtpm = Start())
        {
            using TpmClient client = Connect(vtpm);
            using TpmSession owner = client.Oiap(Named("owner"));
            Assert.Equal(Kept["ek"], Convert.ToHexString(client.OwnerReadInternalPub(TpmKeyHandle.EK, owner).PubKey.Key.Span).ToLowerInvariant());
        }

        Assert.Contains(_log, line => line.Contains("taken over", StringComparison.Ordinal));
        Assert.DoesNotContain(_log, line => line.Contains("MANUFACTURING", StringComparison.Ordinal));
        Assert.Equal(image, File.ReadAllBytes(Image));
        Assert.Equal(hashKey, _manager.HashKey);
    }

    [Fact]
    public void Unseal_SealedByTheOriginal_OpensInItsPcrsAlone()
    {
        using VirtualTpm vtpm = Start();
        using TpmClient client = Connect(vtpm);
        Assert.Equal(TpmResult.WrongPcrVal, Assert.Throws<TpmCommandException>(() => Unseal(client)).Result);
        client.Extend(10, TpmDigest.Of("measured"u8));
        Assert.Equal("sealed in vtpm-stubdom", Encoding.ASCII.GetString(Unseal(client)));
    }

    [Fact]
    public void LoadKey2_WrappedByTheOriginal_Signs()
    {
        using VirtualTpm vtpm = Start();
        using TpmClient client = Connect(vtpm);
        Assert.Equal(TpmResult.Success, WireFormat.Read(Convert.FromHexString(Kept["key"]), out TpmKey key));
        using TpmSession srk = client.Oiap(TpmSecret.WellKnown());
        uint handle = client.LoadKey2(TpmKeyHandle.Srk, srk, key);
        using TpmSession usage = client.Oiap(Named("usage"));
        byte[] hash = SHA1.HashData("a message"u8), signature = client.Sign(handle, usage, hash);
        using var rsa = RSA.Create(new RSAParameters { Modulus = key.PubKey.Key.ToArray(), Exponent = [1, 0, 1] });
        Assert.True(rsa.VerifyHash(hash, signature, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void NvAndCounter_KeptByTheOriginal_GoOn()
    {
        using VirtualTpm vtpm = Start();
        using TpmClient client = Connect(vtpm);
        using (TpmSession area = client.Oiap(Named("area")))
            Assert.Equal("kept in NV", Encoding.ASCII.GetString(client.NvReadValueAuth(NvIndex, 4, 10, area)));
        using (TpmSession counter = client.Oiap(Named("counter")))
        {
            TpmCounterValue value = client.IncrementCounter(CounterId, counter);
            Assert.Equal(4u, value.Counter);
            Assert.Equal(0x6C61626Cu, value.Label);
        }
    }

    [Fact]
    public void Start_AfterAChange_IsOnAStateOfOurs()
    {
        using (VirtualTpm vtpm = Start())
        {
            using TpmClient client = Connect(vtpm);
            using TpmSession counter = client.Oiap(Named("counter"));
            client.IncrementCounter(CounterId, counter);
        }

        _log.Clear();
        using VirtualTpm again = Start();
        using TpmClient second = Connect(again);
        Assert.DoesNotContain(_log, line => line.Contains("taken over", StringComparison.Ordinal));
        Assert.Equal(4u, second.ReadCounter(CounterId).Counter);
        second.Extend(10, TpmDigest.Of("measured"u8));
        Assert.Equal("sealed in vtpm-stubdom", Encoding.ASCII.GetString(Unseal(second)));
    }

    /// <summary>The manager's hash covers it; parsed as if hostile all the same.</summary>
    [Fact]
    public void Read_ShortenedOrChanged_IsRefusedOrAState()
    {
        var tpm = new Tpm12(new TpmPlatform(new SeededRandom(1), TimeProvider.System, new OpenSslRsa(), new OpenSslArithmetic(), TpmProfile.Xen));
        PermanentState fresh = tpm.Manufacture();
        int permanent = State.AsSpan().LastIndexOfAnyExcept((byte)0);
        for (int length = 4; length < State.Length; length += length < permanent ? 1 : 50)
        {
            try
            {
                EmulatorState.Read(State.AsSpan(0, length), fresh, tpm.Commands, tpm.Platform.Rsa);
                // What the next TPM_Startup would have ended is not asked for.
                Assert.True(length >= LengthOfWhatLasts, $"{length} bytes were taken for a state");
            }
            catch (StateFormatException)
            {
                // As it should be.
            }
        }

        byte[] changed = [.. State];
        for (int i = 4; i < 400; i++)
        {
            changed[i] ^= 0xFF;
            try
            {
                EmulatorState.Read(changed, fresh, tpm.Commands, tpm.Platform.Rsa);
            }
            catch (StateFormatException)
            {
                // Likewise: any other exception is a defect.
            }

            changed[i] ^= 0xFF;
        }
    }

    private static string Vector(string name) => Path.Combine(AppContext.BaseDirectory, "vectors", "emulator-state", name);

    /// <summary>The vector's secrets: SHA-1 of what they are for.</summary>
    private static TpmSecret Named(string name) => new(SHA1.HashData(Encoding.ASCII.GetBytes(name)));

    private static byte[] Unseal(TpmClient client)
    {
        Assert.Equal(TpmResult.Success, WireFormat.Read(Convert.FromHexString(Kept["sealed"]), out TpmStoredData sealedData));
        using TpmSession srk = client.Oiap(TpmSecret.WellKnown());
        using TpmSession data = client.Oiap(Named("data"));
        return client.Unseal(TpmKeyHandle.Srk, srk, data, sealedData);
    }

    private static TpmClient Connect(VirtualTpm vtpm) =>
        new(new InMemoryTpm((_, request, response) => vtpm.Execute(request, locality: 0, response)).Connect());

    private VirtualTpm Start() => VirtualTpm.Start(
        new VtpmOptions(Image, ManufacturePolicy.WhenBlank, WithEndorsementKey: true), VtpmArguments.Parse([]), _manager.Link, new SeededRandom(1),
        new OpenSslRsa(), _log.Add);
}
