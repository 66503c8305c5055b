namespace Vtpm.Wire.Tests;

/// <summary>Each structure against its layout in Vectors/structures.txt.</summary>
public sealed class StructureVectors
{
    public static TheoryData<string> All => [.. StructureVector.All.Keys];

    public static TheoryData<string> WithBools => [.. StructureVector.All.Values.Where(v => Bools(v).Count > 0).Select(v => v.Title)];

    public static TheoryData<string> EndingInALength =>
        [.. StructureVector.All.Values.Where(v => v.Parts[^1] is { Prefix.Length: > 0, Content.Length: > 0 }).Select(v => v.Title)];

    [Fact]
    public void Vectors_CoverEveryStructure() =>
        Assert.Equal(StructureCase.Names, StructureVector.All.Values.Select(v => v.Structure).Distinct().Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(All))]
    public void Vector_Read_HasTheFieldsOfTheLayout(string title)
    {
        StructureVector vector = StructureVector.All[title];

        Assert.Equal(TpmResult.Success, StructureCase.Of(vector.Structure).Read(vector.Bytes, out object value));

        Assert.Equal(
            vector.Parts.Where(part => part.IsField).Select(part => $"{part.Name} = {Convert.ToHexString(part.Content)}").Order(StringComparer.Ordinal),
            Leaves.Of(value).Select(leaf => $"{leaf.Path} = {Convert.ToHexString(leaf.Bytes)}").Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(All))]
    public void Vector_ReadAndWritten_IsTheSame(string title)
    {
        StructureVector vector = StructureVector.All[title];
        StructureCase structure = StructureCase.Of(vector.Structure);
        structure.Read(vector.Bytes, out object value);

        Assert.Equal(Convert.ToHexString(vector.Bytes), Convert.ToHexString(structure.ToBytes(value)));
    }

    /// <summary>Part 2 §2.2.2.</summary>
    [Theory, MemberData(nameof(WithBools))]
    public void Bool_OtherThanZeroAndOne_IsBadParameter(string title)
    {
        StructureVector vector = StructureVector.All[title];
        HashSet<string> bools = Bools(vector);
        foreach (VectorPart part in vector.Parts.Where(part => bools.Contains(part.Name)))
        {
            for (int other = 2; other <= byte.MaxValue; other++) Assert.Equal(TpmResult.BadParameter, ReadWith(vector, part.ContentOffset, (byte)other));
        }

        Assert.Equal(bools.Count, vector.Parts.Count(part => bools.Contains(part.Name)));
    }

    [Theory]
    [InlineData("(tag)", TpmResult.BadTag)]
    [InlineData("(ver)", TpmResult.BadVersion)]
    [InlineData("(const)", TpmResult.InvalidStructure)]
    public void Constant_Changed_IsRefused(string part, TpmResult expected)
    {
        int checkedParts = 0;
        foreach (StructureVector vector in StructureVector.All.Values)
        {
            foreach (VectorPart constant in vector.Parts.Where(p => p.Name == part))
            {
                for (int i = 0; i < constant.Content.Length; i++)
                {
                    TpmResult result = ReadWith(vector, constant.Offset + i, (byte)(constant.Content[i] ^ 0x40));
                    Assert.True(result == expected, $"{vector.Title}, byte {constant.Offset + i}: {result}");
                    checkedParts++;
                }
            }
        }

        Assert.NotEqual(0, checkedParts);
    }

    /// <summary>Part 2 §5.1: the revision is ignored on input and zero on output.</summary>
    [Fact]
    public void Revision_Read_IsIgnored()
    {
        foreach (StructureVector vector in StructureVector.All.Values.Where(v => v.Parts.Any(p => p.Name == "(rev)")))
        {
            StructureCase structure = StructureCase.Of(vector.Structure);
            byte[] bytes = vector.Bytes;
            int offset = vector.Parts.Single(part => part.Name == "(rev)").Offset;
            bytes[offset] = 0x12;
            bytes[offset + 1] = 0x34;

            Assert.Equal(TpmResult.Success, structure.Read(bytes, out object value));
            Assert.Equal(vector.Bytes, structure.ToBytes(value));
        }
    }

    /// <summary>A length of one more or one less than its bytes shifts what follows; at the end of a structure it is always reported.</summary>
    [Theory, MemberData(nameof(EndingInALength))]
    public void LastLength_OffByOne_IsBadParamSize(string title)
    {
        StructureVector vector = StructureVector.All[title];
        VectorPart last = vector.Parts[^1];
        int lowByte = last.ContentOffset - 1;
        Assert.Equal(TpmResult.BadParamSize, ReadWith(vector, lowByte, (byte)(last.Content.Length + 1)));
        Assert.Equal(TpmResult.BadParamSize, ReadWith(vector, lowByte, (byte)(last.Content.Length - 1)));
    }

    private static HashSet<string> Bools(StructureVector vector)
    {
        StructureCase.Of(vector.Structure).Read(vector.Bytes, out object value);
        return [.. Leaves.Of(value).Where(leaf => leaf.Type == typeof(bool)).Select(leaf => leaf.Path)];
    }

    private static TpmResult ReadWith(StructureVector vector, int offset, byte value)
    {
        byte[] bytes = vector.Bytes;
        bytes[offset] = value;
        return StructureCase.Of(vector.Structure).Read(bytes, out _);
    }
}
